import { describe, expect, it } from '@jest/globals';
import { hostGuard } from './host-guard.js';

describe('hostGuard', () => {
  const guard = hostGuard(['attune.example.com', '[fd00::7]']);

  it.each([
    [{ host: 'localhost' }],
    [{ host: 'LOCALHOST.:8080' }],
    [{ host: '127.0.0.1:8080' }],
    [{ host: '127.8.9.10' }],
    [{ host: '[::1]:8080' }],
    [{ host: 'attune.example.com' }],
    [{ host: 'Attune.Example.com:443', origin: 'https://attune.example.com' }],
    [{ host: '[fd00::7]:1' }],
    [{ host: 'localhost:1', origin: 'http://localhost:3000' }],
    [{}],
  ])('answers %j', (headers) => {
    expect(() => guard(headers)).not.toThrow();
  });

  it.each([
    [{ host: 'evil.example' }, 'HOST_FORBIDDEN'],
    [{ host: 'evil.example:8080' }, 'HOST_FORBIDDEN'],
    [{ host: 'localhost.evil.example' }, 'HOST_FORBIDDEN'],
    [{ host: '127.0.0.1.nip.io' }, 'HOST_FORBIDDEN'],
    [{ host: '127.0.0.1@evil.example' }, 'HOST_FORBIDDEN'],
    [{ host: 'localhost:8080:80' }, 'HOST_FORBIDDEN'],
    [{ host: '[::2]' }, 'HOST_FORBIDDEN'],
    [{ host: '0.0.0.0:8080' }, 'HOST_FORBIDDEN'],
    [{ host: '' }, 'HOST_FORBIDDEN'],
    [{ host: 'localhost', origin: 'https://evil.example' }, 'ORIGIN_FORBIDDEN'],
    [{ host: 'localhost', origin: 'null' }, 'ORIGIN_FORBIDDEN'],
    [{ host: 'localhost', origin: 'http://localhost.evil.example' }, 'ORIGIN_FORBIDDEN'],
    [{ host: 'localhost', origin: 'file://' }, 'ORIGIN_FORBIDDEN'],
    [{ host: 'localhost', origin: '' }, 'ORIGIN_FORBIDDEN'],
  ])('refuses %j with %s', (headers, code) => {
    expect(() => guard(headers)).toThrow(expect.objectContaining({ code, family: 'Forbidden' }));
  });
});
