import { createLazyRoute } from "@tanstack/react-router";

import { useMe } from "../../api/session";
import { SignInFirst } from "../../ui/Notice";
import { PageTitle } from "../../ui/Page";
import classes from "./Account.module.css";
import { CreateToken } from "./components/CreateToken";
import { Tokens } from "./components/Tokens";

export const route = createLazyRoute("/account")({ component: AccountPage });

function AccountPage() {
  const me = useMe();
  return (
    <>
      <PageTitle>Tokens</PageTitle>
      <h1>Tokens</h1>
      {me?.authenticated === false && <SignInFirst />}
      {me?.authenticated && (
        <div className={classes["stack"]}>
          <p className={classes["lead"]}>
            A token lets a program act as you, or an agent on your behalf. Passwords, passkeys and
            sessions are under <a href="/accounts/2fa/">Security</a>.
          </p>
          <CreateToken />
          <Tokens />
        </div>
      )}
    </>
  );
}
