import { expect, it } from '@jest/globals';
import { idSchema, labelSchema } from './id-schema.js';

it.each(['a', 'é', '😀', 'a b', '\u0001', '\uffff'])('%j is an id', (id) => {
  expect(idSchema(8).safeParse(id).success).toBe(true);
});

it.each(['', 'a\0b', '\0', '\ud800', 'x\udc00', '\udc00\ud800', 'too long for it', 1, null])('%j is none', (id) => {
  expect(idSchema(8).safeParse(id).success).toBe(false);
  if (id !== '') expect(labelSchema(8).safeParse(id).success).toBe(false);
});
