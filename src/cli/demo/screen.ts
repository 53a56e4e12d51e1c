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
      const lines = dashboard(reading)
        .split('\n')
        .map((line) => fitted(line, stream.columns));
      // What does not fit cannot be drawn over again.
      if (stream.rows > 0 && lines.length >= stream.rows) {
        stream.write(`${statusLine(reading)}\n`);
        return;
      }
      if (drawnRows > 0) moveCursor(stream, 0, -drawnRows);
      cursorTo(stream, 0);
      clearScreenDown(stream);
      stream.write(`${lines.join('\n')}\n`);
      drawnRows = lines.length;
    },
  };
}

/** A line that wraps would take two rows, and the redraw would start too low. Terminals without a width say 0. */
const fitted = (line: string, columns: number): string => (columns > 0 ? line.slice(0, columns) : line);
