import { Alert, Button, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { createLazyRoute, useRouter } from "@tanstack/react-router";
import { useState } from "react";

import { asProblem } from "../../api/problem";
import { useSignIn } from "../../api/session";
import { PageTitle } from "../../ui/Page";
import classes from "./SignIn.module.css";

export const route = createLazyRoute("/sign-in")({ component: SignInPage });

function SignInPage() {
  const { next } = route.useSearch();
  const router = useRouter();
  const signIn = useSignIn();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");

  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    signIn.mutate(
      { username, password },
      { onSuccess: () => router.history.push(ownAddress(next)) },
    );
  };

  return (
    <div className={classes["card"]}>
      <PageTitle>Sign in</PageTitle>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Title order={1} size="h2">
            Sign in
          </Title>
          {signIn.isError && (
            <Alert color="red" variant="outline" role="alert" title={asProblem(signIn.error).title}>
              {asProblem(signIn.error).detail}
            </Alert>
          )}
          <TextInput
            label="User name"
            autoComplete="username"
            required
            withAsterisk={false}
            value={username}
            onChange={(event) => setUsername(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button type="submit" loading={signIn.isPending}>
            Sign in
          </Button>
        </Stack>
      </form>
    </div>
  );
}

/** Where one was; an address of another place is never followed. */
function ownAddress(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}
