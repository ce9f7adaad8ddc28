/**
 * Looks that are repeated while the server works in its background: a check, a purge, packages, a view copy.
 */
import { asProblem } from "../../api/rest.js";
import { complain } from "../toast.js";

/** Whether it helps to look again: the line or the server is away, or has too much to do. What is refused stays so. */
export const mayComeBack = ({ status }) => status === 0 || status === 429 || status >= 500;

/**
 * Looks repeated `every` so many ms, each ordered by `again` once the one before has been read. While the server is away
 * it is told once; what is refused is told and ends the looks.
 * @param {() => Promise<void>} look @param {{every: number, onEnd?: (error: Error) => void}} options
 */
export function polling(look, { every, onEnd = () => {} }) {
  let timer = 0;
  let closed = false;
  let isAway = false;

  async function turn() {
    try {
      await look();
      isAway = false;
    } catch (error) {
      if (!closed) fail(error);
    }
  }

  function fail(error) {
    const wasAway = isAway;
    isAway = mayComeBack(error);
    if (!(wasAway && isAway)) complain(asProblem(error));
    if (isAway) again();
    else onEnd(error);
  }

  function again() {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(turn, every);
  }

  return {
    now: turn,
    again,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
