/**
 * How tests see TypeScript: compiled by swc, with `Math` looked up once a module. Tests run in sandboxes, where each look at
 * a global costs more than a sine does; sandboxInjectedGlobals would spare it, but not to ES modules.
 */
import swc from '@swc/jest';

export default {
  createTransformer(options) {
    const compiler = swc.createTransformer(options);
    const withMath = (compiled) =>
      /\bMath\./.test(compiled.code)
        ? { ...compiled, code: `const Math = globalThis.Math;${compiled.code}` }
        : compiled;
    return {
      ...compiler,
      getCacheKey: (...given) => `${compiler.getCacheKey(...given)}-math`,
      process: (...given) => withMath(compiler.process(...given)),
      processAsync: async (...given) => withMath(await compiler.processAsync(...given)),
    };
  },
};
