import { Text, type TextProps } from "@mantine/core";
import { useEffect, useState } from "react";

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
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 20_000);
    return () => window.clearInterval(timer);
  }, []);
  if (!at) return <span>–</span>;
  return (
    <time dateTime={at} title={moment(at)} style={{ whiteSpace: "nowrap" }}>
      {ago(at, Math.max(now, Date.now()))}
    </time>
  );
}

export function Muted(props: TextProps & { children: React.ReactNode }) {
  return <Text size="sm" c="var(--fm-muted)" {...props} />;
}
