import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";

import type { Token } from "../../../api/types";
import { LoadingRows } from "../../../ui/Loading";
import { More } from "../../../ui/More";
import { Failure } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import { State } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import classes from "../Account.module.css";
import { tokensQuery, useRevokeToken } from "../queries";

export function Tokens() {
  const tokens = useInfiniteQuery(tokensQuery);
  if (tokens.isPending) return <LoadingRows rows={3} height={40} />;
  if (tokens.isError) return <Failure error={tokens.error} retry={() => void tokens.refetch()} />;
  const rows = tokens.data.pages.flatMap((page) => page.results);
  return (
    <Panel title="Your tokens" flush>
      {rows.length === 0 && <p className={classes["pad"]}>You have no tokens.</p>}
      {rows.length > 0 && (
        <TableFrame label="Your tokens">
          <table>
            <thead>
              <tr>
                <th scope="col">For</th>
                <th scope="col">Acts</th>
                <th scope="col">Good for</th>
                <th scope="col">Last used</th>
                <th scope="col">Ends</th>
                <th scope="col">State</th>
                <th scope="col">Revoke</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((token) => (
                <TokenRow key={token.id} token={token} />
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
      <More query={tokens} what="tokens" />
    </Panel>
  );
}

function TokenRow({ token }: { token: Token }) {
  const revoke = useRevokeToken();
  const state = stateOf(token);
  return (
    <tr>
      <td>{token.title}</td>
      <td>{token.on_behalf_of ? `${token.username}, for you` : "as you"}</td>
      <td>{scopesOf(token)}</td>
      <td>
        <Ago at={token.last_used_at} />
        {token.last_used_from && <div className="mono">{token.last_used_from}</div>}
      </td>
      <td className={token.expires_soon ? classes["soon"] : undefined}>
        <Ago at={token.expires_at} />
      </td>
      <td>
        <State value={state} />
      </td>
      <td>
        {state === "active" && (
          <Button
            size="compact-xs"
            variant="default"
            loading={revoke.isPending}
            aria-label={`Revoke ${token.title}`}
            onClick={() => revoke.mutate(token.id)}
          >
            Revoke
          </Button>
        )}
        {revoke.isError && <span role="alert">{revoke.error.message}</span>}
      </td>
    </tr>
  );
}

function scopesOf(token: Token): string {
  if (!token.scopes) return "everything";
  return token.scopes.map((one) => `${one.actions.join(", ")} below ${one.prefix}`).join("; ");
}

function stateOf(token: Token): string {
  if (token.revoked_at) return "revoked";
  return new Date(token.expires_at) < new Date() ? "expired" : "active";
}
