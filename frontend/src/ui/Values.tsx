import { useNow } from "./clock";
import { ago, bytes, count, moment } from "./format";

export function Bytes({ value }: { value: number }) {
  return (
    <span className="nums" title={`${count(value)} bytes`}>
      {bytes(value)}
    </span>
  );
}

/** A moment told relative to now, with the exact one as its title; keeps itself current. */
export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return <span>–</span>;
  return (
    <time dateTime={at} title={moment(at)} style={{ whiteSpace: "nowrap" }}>
      {ago(at, now)}
    </time>
  );
}
