/** Shows the demo as it runs: redrawn on a terminal, line by line elsewhere. */
import { cursorTo, clearScreenDown, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { dashboard, statusLine, type DemoReading } from './dashboard.js';

const REDRAW_MS = 1_000;
const LINE_MS = 5_000;

export interface Screen {
  show(reading: DemoReading): void;
  /** How often it wants to be shown something. */
  readonly everyMs: number;
}

export function screenOn(stream: NodeJS.WriteStream): Screen {
  return stream.isTTY
    ? redrawn(stream)
    : { everyMs: LINE_MS, show: (reading) => void stream.write(`${statusLine(reading)}\n`) };
}

function redrawn(stream: WriteStream): Screen {
  let drawnRows = 0;
  return {
    everyMs: REDRAW_MS,
    show(reading) {
      // A line that wraps would take two rows, and the redraw would start too low.
      const lines = dashboard(reading)
        .split('\n')
        .map((line) => line.slice(0, stream.columns));
      if (drawnRows > 0) moveCursor(stream, 0, -drawnRows);
      cursorTo(stream, 0);
      clearScreenDown(stream);
      stream.write(`${lines.join('\n')}\n`);
      drawnRows = lines.length;
    },
  };
}
