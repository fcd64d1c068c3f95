import { Button, Container } from "@mantine/core";
import type { ErrorComponentProps } from "@tanstack/react-router";

import { asProblem } from "../../api/problem";
import { Notice } from "../../ui/Notice";
import { AlertIcon } from "../../ui/icons";
import { PageTitle } from "../../ui/Page";

/** The error boundary of every page: the shell stays, the page says that it broke. */
export function Crash({ error }: ErrorComponentProps) {
  const again = <Button onClick={() => window.location.reload()}>Load the page again</Button>;
  return (
    <Container size="sm" py={60}>
      <PageTitle>This page broke</PageTitle>
      <h1>This page broke</h1>
      <Notice icon={<AlertIcon size={30} />} title="It is our fault, not yours" action={again} alert>
        <p className="mono">{asProblem(error).detail}</p>
      </Notice>
    </Container>
  );
}
