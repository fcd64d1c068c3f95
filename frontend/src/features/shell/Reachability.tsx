import { useNetwork } from "@mantine/hooks";

import { useReachable } from "../../api/reachable";
import classes from "./Shell.module.css";

/** Says so when this machine is off-line or the platform does not answer; gone when it does. */
export function Reachability() {
  const { online } = useNetwork();
  const reachable = useReachable();
  if (online && reachable) return null;
  return (
    <div className={classes["down"]} role="status">
      {online
        ? "The platform does not answer. What you see may be old; the page tries again by itself."
        : "You are off-line. What you see may be old."}
    </div>
  );
}
