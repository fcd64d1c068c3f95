/** The API's highlight (escaped HTML with <mark>) as text and marks; no markup is ever inserted. */
export function Marked({ html }: { html: string }) {
  return (
    <>
      {html.split(/(<mark>.*?<\/mark>)/s).map((piece, index) => {
        const marked = /^<mark>(.*)<\/mark>$/s.exec(piece);
        // The pieces never change places, so their place is their key.
        return marked ? (
          <mark key={index}>{unescape(marked[1] ?? "")}</mark>
        ) : (
          <span key={index}>{unescape(piece)}</span>
        );
      })}
    </>
  );
}

const ENTITIES: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#x27;": "'",
  "&#39;": "'",
};

function unescape(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#x27|#39);/g, (entity) => ENTITIES[entity] ?? entity);
}
