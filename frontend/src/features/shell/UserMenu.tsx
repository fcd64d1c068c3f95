import { useNavigate } from "@tanstack/react-router";

import { useSignOut } from "../../api/session";
import type { Me } from "../../api/types";
import { Choice, ChoiceAway, Disclosure } from "../../ui/Disclosure";
import { UserIcon } from "../../ui/icons";
import classes from "./Shell.module.css";

export function UserMenu({ me }: { me: Me }) {
  const signOut = useSignOut();
  const navigate = useNavigate();
  const button = (
    <>
      <UserIcon /> <span className={classes["username"]}>{me.username}</span>
    </>
  );
  return (
    <Disclosure label={`Signed in as ${me.username}`} button={button}>
      {(close) => (
        <>
          <div className={classes["userline"]}>
            <strong>{me.username}</strong>
            {me.is_operator && " · operator"}
            {me.teams.length === 0 && <p>In no team</p>}
            {me.teams.map((team) => (
              <p key={team.slug}>
                {team.title} · {team.role}
              </p>
            ))}
          </div>
          <Choice
            onClick={() => {
              close();
              void navigate({ to: "/account" });
            }}
          >
            Tokens
          </Choice>
          <ChoiceAway href="/accounts/2fa/">Security</ChoiceAway>
          <Choice onClick={() => signOut.mutate()}>Sign out</Choice>
        </>
      )}
    </Disclosure>
  );
}
