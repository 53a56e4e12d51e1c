/**
 * Preloaded in a worker that runs from TypeScript sources (tests): Node strips the types itself, but its resolver does
 * not know that an import of `./x.js` means `./x.ts` there. Compiled code never loads this.
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const fromSource = context.parentURL?.endsWith('.ts') === true && /^\.{1,2}\/.*\.js$/.test(specifier);
    return next(fromSource ? `${specifier.slice(0, -'.js'.length)}.ts` : specifier, context);
  },
});
