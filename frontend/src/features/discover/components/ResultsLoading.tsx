import { Skeleton } from "@mantine/core";

import classes from "../Discover.module.css";

export function ResultsLoading() {
  return (
    <div role="status" aria-label="Loading results">
      {Array.from({ length: 6 }, (_, row) => (
        <div key={row} className={classes["result"]}>
          <Skeleton height={22} width="45%" mb={8} />
          <Skeleton height={14} width="30%" mb={10} />
          <Skeleton height={40} mb={10} />
          <Skeleton height={16} width="60%" />
        </div>
      ))}
    </div>
  );
}
