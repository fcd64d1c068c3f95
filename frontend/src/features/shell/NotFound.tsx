import { Container, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";

import { PageTitle } from "../../ui/Page";

export function NotFound() {
  return (
    <Container size="sm" py={60}>
      <PageTitle>Not found</PageTitle>
      <h1>There is nothing at this address</h1>
      <Text>
        It may have moved, or you may not know of it. <Link to="/">Discover what there is.</Link>
      </Text>
    </Container>
  );
}
