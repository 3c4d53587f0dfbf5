import { Fragment } from "react";

/** A path or a branch that may break after a slash or a dash, as a person would break it. */
export function Breakable({ text }: { text: string }) {
  return text.split(/(?<=[/\-_.])/).map((part, index) => (
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
