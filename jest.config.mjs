const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // The swc file of the build leaves specs out; here they are what is compiled.
  transform: {
    '^.+\\.ts$': [
      '<rootDir>/scripts/jest-transform.mjs',
      {
        swcrc: false,
        sourceMaps: 'inline',
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.attune/'],
};

/** `unit` does no I/O; the others start real servers and run one file at a time. */
export default {
  // No promise is about time: a busy machine may take its own, and no test says less. What hangs ends here.
  testTimeout: 600_000,
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/src/**/*.spec.ts'] },
    { ...base, displayName: 'conformance', testMatch: ['<rootDir>/test/conformance/**/*.spec.ts'] },
    { ...base, displayName: 'simulation', testMatch: ['<rootDir>/test/{simulation,replay}/**/*.spec.ts'] },
    { ...base, displayName: 'learning', testMatch: ['<rootDir>/test/learning/**/*.spec.ts'] },
    { ...base, displayName: 'integration', testMatch: ['<rootDir>/test/integration/**/*.spec.ts'] },
    { ...base, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.spec.ts'] },
  ],
};
