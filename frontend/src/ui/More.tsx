import { Button } from "@mantine/core";

interface MoreProps {
  query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
  what: string;
}

export function More({ query, what }: MoreProps) {
  if (!query.hasNextPage) return null;
  return (
    <Button
      variant="default"
      m={14}
      loading={query.isFetchingNextPage}
      onClick={() => void query.fetchNextPage()}
    >
      More {what}
    </Button>
  );
}
