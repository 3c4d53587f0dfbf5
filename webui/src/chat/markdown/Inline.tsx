import type { Token, Tokens } from "marked";
import type { ReactNode } from "react";
import { decode } from "./entities";
import styles from "./Markdown.module.css";
import { safeHref, shownTarget } from "./parse";

/** Inline Markdown as React elements. HTML in it is shown as the text it is. */
export function Inline({ tokens }: { tokens: readonly Token[] | undefined }): ReactNode {
  return tokens?.map((token, at) => <Piece key={at} token={token} />);
}

function Piece({ token }: { token: Token }): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong className={styles.strong}><Inline tokens={token.tokens} /></strong>;
    case "em":
      return <em><Inline tokens={token.tokens} /></em>;
    case "del":
      return <del><Inline tokens={token.tokens} /></del>;
    case "codespan":
      return <code className={styles.code}>{(token as Tokens.Codespan).text}</code>;
    case "br":
      return <br />;
    case "link":
      return <Link token={token as Tokens.Link} />;
    case "image":
      return <Picture token={token as Tokens.Image} />;
    case "checkbox":
      return null;
    case "html":
      return /^<br\s*\/?>$/i.test(token.raw.trim()) ? <br /> : token.raw.startsWith("<!--") ? null : token.raw;
    case "escape":
      return (token as Tokens.Escape).text;
    default: {
      const { tokens, text, raw } = token as Tokens.Text;
      return tokens ? <Inline tokens={tokens} /> : decode(text ?? raw);
    }
  }
}

function Link({ token }: { token: Tokens.Link }): ReactNode {
  const href = safeHref(token.href);
  const inner = <Inline tokens={token.tokens} />;
  if (href === null) return <span title={token.href}>{inner}</span>;
  const target = shownTarget(href, token.text);
  return (
    <a className={styles.link} href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
      {inner}
      {target !== "" && <span className={styles.target}> ({target})</span>}
    </a>
  );
}

/** Pictures from elsewhere are not loaded: the page talks to its own forge only. */
function Picture({ token }: { token: Tokens.Image }): ReactNode {
  const href = safeHref(token.href);
  const words = `Picture: ${token.text || token.href}`;
  if (href === null) return <span>{words}</span>;
  return (
    <a className={styles.link} href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
      {words}
    </a>
  );
}
