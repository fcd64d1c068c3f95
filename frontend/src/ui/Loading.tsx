import { Skeleton, Stack } from "@mantine/core";

/** Grey rows of the size that the real ones will have, so that nothing jumps. */
export function LoadingRows({ rows, height }: { rows: number; height: number }) {
  return (
    <Stack gap={10} p={16} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={height} radius="sm" />
      ))}
    </Stack>
  );
}
