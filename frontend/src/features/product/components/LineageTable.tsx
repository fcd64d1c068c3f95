import type { Graph, GraphNode } from "../../../api/types";
import { Panel, TableFrame } from "../../../ui/Page";
import { ProductLink } from "../../../ui/ProductLink";

/** The graph in words: each arrow is a row. */
export function LineageTable({ graph }: { graph: Graph }) {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  return (
    <Panel title="What leads to what" flush>
      <TableFrame label="Lineage">
        <table>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">Kind</th>
              <th scope="col">To</th>
              <th scope="col">Kind</th>
              <th scope="col">How it is known</th>
            </tr>
          </thead>
          <tbody>
            {graph.edges.map((edge) => {
              const source = nodes.get(edge.source);
              const target = nodes.get(edge.target);
              return (
                <tr key={`${edge.source} ${edge.target} ${edge.kind}`}>
                  <td>
                    <NodeName node={source} />
                  </td>
                  <td>{source?.kind}</td>
                  <td>
                    <NodeName node={target} />
                  </td>
                  <td>{target?.kind}</td>
                  <td>
                    {edge.origin}
                    {!edge.direct && ", indirect"}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

export function NodeName({ node }: { node: GraphNode | undefined }) {
  if (!node) return "beyond this view";
  if (node.redacted) return <em>hidden from you</em>;
  if (isProduct(node)) return <ProductLink name={node.name}>{node.title || node.name}</ProductLink>;
  return node.title || node.name;
}

export function isProduct(node: GraphNode): boolean {
  return !node.redacted && node.name.startsWith("/") && node.name.includes("/~/");
}
