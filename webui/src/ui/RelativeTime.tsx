import { Tooltip } from "./Tooltip";
import { exact, span } from "./time";
import { useNow } from "./useNow";

/** How long ago, with the exact time on hover and focus. */
export function RelativeTime({ time, suffix = "" }: { time: string; suffix?: string }) {
  const words = useNow((now) => span(now - Date.parse(time)));
  return (
    <Tooltip text={exact(time)}>
      <time dateTime={time} aria-label={exact(time)}>
        {words}
        {words !== "now" && suffix}
      </time>
    </Tooltip>
  );
}
