import { useInfiniteQuery } from "@tanstack/react-query";

import type { Version } from "../../../api/types";
import { Digest } from "../../../ui/Copy";
import { count } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { More } from "../../../ui/More";
import { Empty, Failure } from "../../../ui/Notice";
import { Bytes } from "../../../ui/Values";
import { filesQuery } from "../queries";

export function Files({ version }: { version: Version }) {
  const files = useInfiniteQuery(filesQuery(version.id));
  if (files.isPending) return <LoadingRows rows={Math.min(version.files, 8)} height={22} />;
  if (files.isError) return <Failure error={files.error} retry={() => void files.refetch()} />;
  const rows = files.data.pages.flatMap((page) => page.results);
  if (rows.length === 0) return <Empty title="No files" />;
  return (
    <>
      <table>
        <caption>
          {count(rows.length)} of {count(version.files)} files of {version.name}
        </caption>
        <thead>
          <tr>
            <th scope="col">Path</th>
            <th scope="col">Type</th>
            <th scope="col" className="num">
              Bytes
            </th>
            <th scope="col" className="num">
              Rows
            </th>
            <th scope="col">SHA-256</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((file) => (
            <tr key={file.path}>
              <td className="mono">{file.path}</td>
              <td>{file.media_type}</td>
              <td className="num">
                <Bytes value={file.bytes} />
              </td>
              <td className="num">{count(file.rows)}</td>
              <td>
                <Digest value={file.sha256} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <More query={files} what="files" />
    </>
  );
}
