/** Ids that anybody brings along: one schema for all of them. */
import { z } from 'zod';
import { isIdText, NOT_TEXT } from '../kernel/ids.js';

/** An id of 1 to `max` UTF-16 units that every store keeps as it is: well-formed text without NUL. */
export const idSchema = (max: number) => z.string().min(1).max(max).refine(isIdText, NOT_TEXT);

/** Whether `idSchema(max)` takes it: of what is taken, a fold need not make a report. */
export const isId = (value: unknown, max: number): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= max && isIdText(value);

/** The same, where it may be empty. */
export const labelSchema = (max: number) => z.string().max(max).refine(isIdText, NOT_TEXT);
