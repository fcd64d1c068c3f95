import { LoadingRows } from "./Loading";
import { Failure } from "./Notice";

interface AskedProps<T> {
  query: { data: T | undefined; error: Error | null; refetch: () => unknown };
  /** How many grey rows stand there until it comes, and how high they are. */
  rows?: number;
  height?: number;
  children: (found: T) => React.ReactNode;
}

/** What was asked for, in each of its states: under way, failed, denied, there. */
export function Asked<T>({ query, rows = 8, height = 28, children }: AskedProps<T>) {
  if (query.data !== undefined) return children(query.data);
  if (!query.error) return <LoadingRows rows={rows} height={height} />;
  return <Failure error={query.error} retry={() => void query.refetch()} />;
}
