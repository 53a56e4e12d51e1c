/** `--convert`: the decisions of a log of any format, as dsjson. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { invalidRequest } from '../../kernel/errors.js';
import { writeDsjson } from '../../learners/evaluation/log/dsjson-writer.js';
import { readLog, type LogFile, type LogReport } from './read-log.js';

/** Writes to `path`, which must not exist. Rejects with InvalidRequest `CONVERT_UNWRITABLE`, or `LOG_*`. */
export async function convertLog(file: LogFile, path: string, report: LogReport): Promise<void> {
  async function* lines(): AsyncGenerator<string> {
    for await (const decision of readLog(file, report)) yield `${writeDsjson(decision)}\n`;
  }
  try {
    await pipeline(Readable.from(lines()), createWriteStream(path, { flags: 'wx' }));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!/^E[A-Z]+$/.test(code ?? '')) throw error;
    throw invalidRequest('CONVERT_UNWRITABLE', `The file cannot be written: ${message}`, 'convert');
  }
}
