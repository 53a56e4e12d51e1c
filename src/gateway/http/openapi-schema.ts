import type { ApiBodyOptions } from '@nestjs/swagger';
import { z, type ZodType } from 'zod';

/** The schema that checks a request, as `/docs` shows it: one source, so that they cannot drift apart. */
export type OpenApiSchema = Extract<ApiBodyOptions, { schema: unknown }>['schema'];

export const openApiSchema = (schema: ZodType): OpenApiSchema =>
  z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }) as OpenApiSchema;
