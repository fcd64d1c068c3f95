import { Button, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { asProblem } from "../api/problem";
import { AskForAccess } from "./AskForAccess";
import { AlertIcon, EmptyIcon, LockIcon } from "./icons";
import classes from "./Notice.module.css";
import { Tag } from "./State";

interface NoticeProps {
  icon: React.ReactNode;
  title: string;
  children?: React.ReactNode;
  action?: React.ReactNode;
  alert?: boolean;
}

/** One quiet block for all that is not data: nothing there, not allowed, gone wrong. */
export function Notice({ icon, title, children, action, alert = false }: NoticeProps) {
  return (
    <div className={classes["notice"]} role={alert ? "alert" : undefined}>
      <div className={classes["icon"]}>{icon}</div>
      <Title order={2} size="h4">
        {title}
      </Title>
      {children}
      {action && <div className={classes["action"]}>{action}</div>}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: React.ReactNode }) {
  return (
    <Notice icon={<EmptyIcon size={30} />} title={title}>
      {children && <Text c="var(--fm-muted)">{children}</Text>}
    </Notice>
  );
}

interface FailureProps {
  error: unknown;
  retry?: () => void;
  /** What a denied person can do about it, where that is not to ask for access. */
  whenDenied?: React.ReactNode;
}

/** What went wrong in the platform's own words, and the way on: sign in, ask, or try again. */
export function Failure({ error, retry, whenDenied }: FailureProps) {
  const problem = asProblem(error);
  const ask = whenDenied ?? (problem.mayAskFor && <AskForAccess problem={problem} />);
  if (problem.needsSignIn) return <SignInFirst />;
  const icon = problem.denied ? <LockIcon size={30} /> : <AlertIcon size={30} />;
  const again = retry && !problem.denied && (
    <Button variant="default" onClick={retry}>
      Try again
    </Button>
  );
  return (
    <Notice icon={icon} title={problem.title} action={problem.denied ? ask : again} alert>
      <Text c="var(--fm-muted)">{problem.detail}</Text>
      {problem.policies.length > 0 && <Policies ids={problem.policies} />}
      {problem.requestId && (
        <Text size="xs" c="var(--fm-muted)">
          Request <span className="mono">{problem.requestId}</span>
        </Text>
      )}
    </Notice>
  );
}

export function Policies({ ids }: { ids: string[] }) {
  if (ids.length === 0) return <span>–</span>;
  return (
    <span className={classes["policies"]}>
      {ids.map((id) => (
        <Tag key={id}>{id}</Tag>
      ))}
    </span>
  );
}

/** For who is a stranger to the mesh: what there is for members, and the way in. */
export function SignInFirst() {
  const next = window.location.pathname + window.location.search;
  const action = (
    <Button component={Link} to="/sign-in" search={(() => ({ next })) as never}>
      Sign in
    </Button>
  );
  return (
    <Notice icon={<LockIcon size={30} />} title="Sign in to see this" action={action}>
      <Text c="var(--fm-muted)">This page is for members of the mesh.</Text>
    </Notice>
  );
}
