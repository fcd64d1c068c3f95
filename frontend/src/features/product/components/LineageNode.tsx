import { Handle, type NodeProps, Position, type Node } from "@xyflow/react";

import type { GraphNode } from "../../../api/types";
import { ProductLink } from "../../../ui/ProductLink";
import classes from "../Product.module.css";
import { isProduct } from "./LineageTable";

export type LineageNodeData = { node: GraphNode; root: boolean };

export function LineageNode({ data }: NodeProps<Node<LineageNodeData>>) {
  const { node, root } = data;
  const title = node.redacted ? "hidden from you" : node.title || node.name;
  return (
    <div
      className={classes["node"]}
      data-kind={node.kind}
      data-root={root || undefined}
      data-redacted={node.redacted || undefined}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <div className={classes["kind"]}>
        {node.kind}
        {root && ", this one"}
      </div>
      <div className={classes["title"]} title={node.redacted ? undefined : node.name}>
        {isProduct(node) && !root ? (
          <ProductLink name={node.name} tab="lineage" className="nodrag nopan">
            {title}
          </ProductLink>
        ) : (
          title
        )}
      </div>
      {!node.redacted && node.title && node.title !== node.name && (
        <div className={classes["sub"]}>{node.name}</div>
      )}
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
}
