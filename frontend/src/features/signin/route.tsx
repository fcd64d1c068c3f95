import { Alert, Button, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { createLazyRoute, useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import { type ApiProblem, asProblem } from "../../api/problem";
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
  const [code, setCode] = useState("");
  const [asksCode, setAsksCode] = useState(false);
  const codeField = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (asksCode) codeField.current?.focus(); // it is what was just asked for
  }, [asksCode]);

  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    signIn.mutate(
      { username, password, code },
      {
        onSuccess: () => router.history.push(ownAddress(next)),
        onError: (error) => setAsksCode(asksCode || takesCode(asProblem(error))),
      },
    );
  };
  const problem = signIn.isError ? asProblem(signIn.error) : undefined;
  const elsewhere = new URLSearchParams({ next: ownAddress(next) }).toString();

  return (
    <div className={classes["card"]}>
      <PageTitle>Sign in</PageTitle>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Title order={1} size="h2">
            Sign in
          </Title>
          {problem && (
            <Alert
              color={takesCode(problem) ? "teal" : "red"}
              variant="outline"
              role="alert"
              title={problem.title}
            >
              {passkeyOnly(problem) ? "This account signs in with its passkey." : problem.detail}
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
          {asksCode && (
            <TextInput
              label="Code"
              description="Of your authenticator app, or a recovery code"
              autoComplete="one-time-code"
              required
              withAsterisk={false}
              ref={codeField}
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
            />
          )}
          <Button type="submit" loading={signIn.isPending}>
            Sign in
          </Button>
          <a href={`/accounts/login/?${elsewhere}`}>With a passkey or single sign-on</a>
        </Stack>
      </form>
    </div>
  );
}

/** The password is right, and a code can be typed. */
function takesCode(problem: ApiProblem): boolean {
  return problem.code === "mfa_required" && !passkeyOnly(problem);
}

function passkeyOnly(problem: ApiProblem): boolean {
  const methods = problem.extra["methods"];
  return Array.isArray(methods) && methods.every((method) => method === "webauthn");
}

/** Where one was; an address of another place is never followed. */
function ownAddress(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}
