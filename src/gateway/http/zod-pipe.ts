import type { PipeTransform } from '@nestjs/common';
import type { ZodType } from 'zod';
import { parseWith } from '../validation.js';

/** Checks a controller's argument; the error names the field. */
export class ZodPipe<T> implements PipeTransform<unknown, T> {
  constructor(private readonly schema: ZodType<T>) {}

  transform(value: unknown): T {
    return parseWith(this.schema, value);
  }
}
