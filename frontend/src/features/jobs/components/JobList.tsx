import type { ListOf } from "../../../ui/List";
import { LoadingRows } from "../../../ui/Loading";
import { More } from "../../../ui/More";
import { Failure } from "../../../ui/Notice";
import { Panel } from "../../../ui/Page";
import classes from "../Jobs.module.css";

interface JobListProps<T> {
  title: string;
  query: ListOf<T>;
  empty: string;
  renderRow: (job: T) => React.ReactNode;
}

export function JobList<T>({ title, query, empty, renderRow }: JobListProps<T>) {
  const rows = query.data?.pages.flatMap((page) => page.results) ?? [];
  return (
    <Panel title={title} flush>
      {query.isPending && <LoadingRows rows={4} height={52} />}
      {query.error && !query.data && (
        <div className={classes["pad"]}>
          <Failure error={query.error} retry={() => void query.refetch()} />
        </div>
      )}
      {query.data && rows.length === 0 && <p className={classes["empty"]}>{empty}</p>}
      {rows.length > 0 && <ul className={classes["jobs"]}>{rows.map(renderRow)}</ul>}
      <More query={query} what={title.toLowerCase()} />
    </Panel>
  );
}
