/** Reads a log file of any format, one decision after the other; bad lines are reported and passed over. */
import { CsvError, parse } from 'csv-parse';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { readAttune } from '../../learners/evaluation/log/attune.js';
import { readDsjson } from '../../learners/evaluation/log/dsjson.js';
import { openBanditReader, type OpenBanditReader } from '../../learners/evaluation/log/open-bandit.js';
import type { Combine } from '../../messages/rewards.js';
import type { LineOutcome, LoggedDecision, RewardRange, SkipReason } from '../../learners/evaluation/logged.js';
import { CSV_LINES } from '../csv-lines.js';
import { contentOf } from '../input-file.js';
import { linesOf, LINE_BYTES_MAX, logError } from './lines.js';
import { IdsSeen } from './ids-seen.js';

export const LOG_FORMATS = ['obd', 'dsjson', 'attune'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Bad lines kept with their reason; further ones are only counted. */
export const BAD_LINES_KEPT_MAX = 1000;

export interface BadLine {
  /** From 1; of CSV, a header counts. */
  readonly line: number;
  readonly code: string;
  readonly field: string | null;
  readonly message: string;
}

/** What became of a file's lines. */
export interface LogReport {
  lines: number;
  decisions: number;
  badCount: number;
  /** The first BAD_LINES_KEPT_MAX of `badCount`. */
  readonly bad: BadLine[];
  readonly skipped: Partial<Record<SkipReason, number>>;
}

export const emptyReport = (): LogReport => ({ lines: 0, decisions: 0, badCount: 0, bad: [], skipped: {} });

/** Share of the lines that were bad. */
export const unreadShare = ({ badCount, lines }: LogReport): number => badCount / Math.max(1, lines);

/** Why so many lines were bad, each code with its first line; empty where none was. */
export function badReasons({ bad }: LogReport): string {
  const firsts = bad.filter(({ code }, i) => bad.findIndex((other) => other.code === code) === i);
  return firsts.map(({ line, code, message }) => `line ${line}: ${code}: ${message}`).join('; ');
}

export interface LogFile {
  readonly path: string;
  readonly format: LogFormat;
  readonly range: RewardRange;
  /** Of the surface, with format `attune`; told from each line where left out. */
  readonly combine?: Combine;
}

/**
 * Gives the decisions of a file in order, each id once, and fills in `report`. Rejects with InvalidRequest
 * `LOG_UNREADABLE`, `LOG_TRUNCATED`, `LOG_ENCODING`, `LOG_NOT_CSV`, `LOG_HEADER` or `LOG_POSITIONS`.
 */
export async function* readLog(
  file: LogFile,
  report: LogReport = emptyReport(),
  bytesRead?: (bytes: number) => void,
): AsyncGenerator<LoggedDecision> {
  const ids = new IdsSeen();
  const rows = file.format === 'obd' ? openBanditRows(file, bytesRead) : jsonLines(file, bytesRead);
  for await (const { line, read } of rows) {
    report.lines++;
    try {
      const outcome = read();
      const skipped =
        'skipped' in outcome ? outcome.skipped : ids.repeats(outcome.decision.id) ? 'repeated' : undefined;
      if (skipped !== undefined) report.skipped[skipped] = (report.skipped[skipped] ?? 0) + 1;
      else if ('decision' in outcome) {
        report.decisions++;
        yield outcome.decision;
      }
    } catch (error) {
      if (!(error instanceof EngineError) || error.family !== 'InvalidRequest') throw error;
      const { code, field, message } = error;
      if (++report.badCount <= BAD_LINES_KEPT_MAX) report.bad.push({ line, code, field: field ?? null, message });
    }
  }
}

interface Unread {
  readonly line: number;
  readonly read: () => LineOutcome;
}

async function* jsonLines(
  { path, format, range, combine }: LogFile,
  bytesRead?: (bytes: number) => void,
): AsyncGenerator<Unread> {
  const reader = (text: string): LineOutcome =>
    format === 'dsjson' ? readDsjson(text, range) : readAttune(text, range, combine);
  for await (const { number, text, fault } of linesOf(path, bytesRead))
    yield {
      line: number,
      read: () => {
        if (text === undefined) throw fault === 'encoding' ? notUtf8() : tooLong();
        return reader(text);
      },
    };
}

async function* openBanditRows({ path, range }: LogFile, bytesRead?: (bytes: number) => void): AsyncGenerator<Unread> {
  let reader: OpenBanditReader | undefined;
  try {
    const parser = parse({
      bom: true,
      skip_empty_lines: true,
      relax_column_count: true,
      info: true,
      max_record_size: LINE_BYTES_MAX,
      record_delimiter: CSV_LINES,
    });
    const content = await contentOf(path, bytesRead);
    content.on('error', (error) => parser.destroy(error)).pipe(parser);
    for await (const { info, record } of parser as AsyncIterable<{ info: { lines: number }; record: string[] }>) {
      if (reader === undefined) {
        reader = openBanditReader(record);
        continue;
      }
      const current = reader;
      current.checkFile(record, info.lines);
      yield { line: info.lines, read: () => current.read(record, range) };
    }
  } catch (error) {
    if (error instanceof CsvError) throw invalidRequest('LOG_NOT_CSV', `The log is not CSV: ${error.message}`, 'log');
    throw logError(error);
  }
  if (reader === undefined) throw invalidRequest('LOG_HEADER', 'The log is empty.', 'header');
}

const notUtf8 = (): EngineError => invalidRequest('LOG_ENCODING', 'The line is not UTF-8.');
const tooLong = (): EngineError => invalidRequest('LOG_LINE_TOO_LONG', `A line may have ${LINE_BYTES_MAX} bytes.`);
