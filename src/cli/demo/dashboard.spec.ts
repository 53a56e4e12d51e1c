import { describe, expect, it } from '@jest/globals';
import { curveText } from './dashboard.js';

describe('curveText', () => {
  it('scales between the lowest and the highest point, and leaves holes open', () => {
    expect(curveText([-0.5, undefined, 0, 0.5])).toBe('▁ ▅█ -50 % to +50 %');
    expect(curveText([0.1, 0.1])).toBe('▁▁ +10 % to +10 %');
    expect(curveText([undefined])).toBe('');
  });
});
