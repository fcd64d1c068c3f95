import classes from "./State.module.css";

type Tone = "good" | "busy" | "wait" | "bad" | "idle";

const TONES: Record<string, Tone> = {
  complete: "good", done: "good", published: "good", active: "good", approved: "good",
  open: "good", keep: "good", allowed: "good", justified: "good", met: "good",
  verified: "good", passed: "good", online: "good", reachable: "good", kept: "good",
  copying: "busy", running: "busy", verifying: "busy", claimed: "busy", publishing: "busy",
  copy: "busy", draining: "busy",
  queued: "wait", waiting: "wait", planned: "wait", pending: "wait", suspect: "wait",
  deprecated: "wait", draft: "wait", deleting: "wait", proposed: "wait",
  offline: "wait", remove: "wait", dropped: "wait",
  failed: "bad", refused: "bad", refuse: "bad", corrupt: "bad", missing: "bad", denied: "bad",
  tombstoned: "bad", unjustified: "bad", overdue: "bad", broken: "bad",
  lost: "bad", quarantined: "bad", unreachable: "bad", unmet: "bad",
};

/** A state: a dot that carries the colour and a word that carries the meaning. */
export function State({ value }: { value: string }) {
  const tone = TONES[value] ?? "idle";
  return (
    <span className={classes["state"]}>
      <span className={classes["dot"]} data-tone={tone} aria-hidden />
      {value}
    </span>
  );
}

export function Tag({ children, strong = false }: { children: React.ReactNode; strong?: boolean }) {
  return (
    <span className={classes["tag"]} data-strong={strong || undefined}>
      {children}
    </span>
  );
}
