import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import type { RunDetail } from "../../../api/types";
import { Copy } from "../../../ui/Copy";
import { lastPart } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Failure } from "../../../ui/Notice";
import { Panel } from "../../../ui/Page";
import page from "../../../ui/Page.module.css";
import { cardQuery } from "../queries";
import classes from "../Runs.module.css";
import { NotYet } from "./Accounts";

const INDENT = 2;

/** The draft of a dataset card, as a page and as members for Croissant, to copy or to keep. */
export function Card({ run }: { run: RunDetail }) {
  if (!run.output_version) return <NotYet run={run} />;
  return <Draft run={run} />;
}

function Draft({ run }: { run: RunDetail }) {
  const card = useQuery(cardQuery(run.id));
  if (card.isPending) return <LoadingRows rows={10} height={24} />;
  if (card.isError) return <Failure error={card.error} retry={() => void card.refetch()} />;
  const { markdown, croissant } = card.data;
  const name = lastPart(run.output);
  return (
    <div className={page["stack"]}>
      <Text
        title="Page"
        file={`${name}.md`}
        type="text/markdown"
        text={markdown}
      />
      <Text
        title="Members for Croissant"
        file={`${name}.croissant.json`}
        type="application/json"
        text={JSON.stringify(croissant, null, INDENT)}
      />
    </div>
  );
}

interface TextProps {
  title: string;
  file: string;
  type: string;
  text: string;
}

function Text({ title, file, type, text }: TextProps) {
  const acts = (
    <span className={page["keep"]}>
      <Copy value={text} what={title.toLowerCase()} />
      <Button
        component="a"
        size="compact-sm"
        variant="default"
        href={`data:${type};charset=utf-8,${encodeURIComponent(text)}`}
        download={file}
      >
        Download {file}
      </Button>
    </span>
  );
  return (
    <Panel title={title} aside={acts}>
      <pre className={classes["text"]}>{text}</pre>
    </Panel>
  );
}
