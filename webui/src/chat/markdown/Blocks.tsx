import type { Token, Tokens } from "marked";
import { memo, type ReactNode } from "react";
import { CodeBlock } from "../parts/CodeBlock";
import { decode } from "./entities";
import { Inline } from "./Inline";
import styles from "./Markdown.module.css";

/** Nesting beyond this is shown as plain text: nobody writes it, and it could exhaust the stack. */
const DEEPEST = 24;

interface BlockProps {
  token: Token;
  depth: number;
}

export const Block = memo(BlockOf, (before, after) => before.token.raw === after.token.raw && before.token.type === after.token.type && before.depth === after.depth);

function BlockOf({ token, depth }: BlockProps): ReactNode {
  if (depth > DEEPEST) return <p>{token.raw}</p>;
  switch (token.type) {
    case "space":
    case "def":
    case "checkbox":
      return null;
    case "hr":
      return <hr className={styles.rule} />;
    case "heading":
      return <Heading token={token as Tokens.Heading} />;
    case "code":
      return <CodeBlock code={(token as Tokens.Code).text} language={(token as Tokens.Code).lang ?? ""} />;
    case "blockquote":
      return <blockquote className={styles.quote}><Blocks tokens={token.tokens} depth={depth + 1} /></blockquote>;
    case "list":
      return <List token={token as Tokens.List} depth={depth} />;
    case "table":
      return <Table token={token as Tokens.Table} />;
    case "html":
      return token.raw.trim().startsWith("<!--") ? null : <p>{token.raw.trim()}</p>;
    case "text":
      return token.tokens ? <Inline tokens={token.tokens} /> : decode((token as Tokens.Text).text);
    default:
      return <p><Inline tokens={(token as Tokens.Generic).tokens} /></p>;
  }
}

export function Blocks({ tokens, depth }: { tokens: readonly Token[] | undefined; depth: number }): ReactNode {
  return tokens?.map((token, at) => <Block key={at} token={token} depth={depth} />);
}

/** The page has headings of its own: an agent's begin below them. */
function Heading({ token }: { token: Tokens.Heading }): ReactNode {
  const Tag = `h${Math.min(token.depth + 2, 6)}` as "h3" | "h4" | "h5" | "h6";
  return <Tag className={styles.heading} data-level={Math.min(token.depth, 4)}><Inline tokens={token.tokens} /></Tag>;
}

function List({ token, depth }: { token: Tokens.List; depth: number }): ReactNode {
  const items = token.items.map((item, at) => (
    <li key={at} className={item.task ? styles.task : undefined}>
      {item.task && <input type="checkbox" checked={item.checked ?? false} readOnly disabled aria-label={item.checked ? "done" : "not done"} />}
      {item.task ? <div><Blocks tokens={item.tokens} depth={depth + 1} /></div> : <Blocks tokens={item.tokens} depth={depth + 1} />}
    </li>
  ));
  if (!token.ordered) return <ul className={styles.list} data-loose={token.loose}>{items}</ul>;
  return <ol className={styles.list} data-ordered start={token.start === "" ? 1 : token.start} data-loose={token.loose}>{items}</ol>;
}

function Table({ token }: { token: Tokens.Table }): ReactNode {
  return (
    <div className={styles.tableBox} tabIndex={0} role="region" aria-label="Table">
      <table className={styles.table}>
        <thead>
          <tr>{token.header.map((cell, at) => <th key={at} data-align={cell.align ?? "left"}><Inline tokens={cell.tokens} /></th>)}</tr>
        </thead>
        <tbody>
          {token.rows.map((row, line) => (
            <tr key={line}>{row.map((cell, at) => <td key={at} data-align={cell.align ?? "left"}><Inline tokens={cell.tokens} /></td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
