import { Confirm } from "../../../../ui/Confirm";
import { Refused } from "../../../../ui/Refused";
import { useWithdraw } from "../../../product/accessQueries";
import classes from "../../Governance.module.css";

export function Withdraw({ id }: { id: string }) {
  const withdraw = useWithdraw();
  return (
    <section aria-label="Withdraw">
      <h3>No longer needed?</h3>
      <Refused error={withdraw.error} />
      <p className={classes["lead"]}>Nobody has answered yet; you may take it back.</p>
      <Confirm
        label="Withdraw"
        question="Withdraw it?"
        size="xs"
        loading={withdraw.isPending}
        onConfirm={() => withdraw.mutate(id)}
      />
    </section>
  );
}
