/** Ends with a clear message on a Node that is too old for the engine. Runs on any Node that knows modules. */
const MAJOR_MIN = 24;

if (Number(process.versions.node.split('.')[0]) < MAJOR_MIN) {
  process.stderr.write(
    `Attune runs on Node ${MAJOR_MIN} or newer; this is ${process.version} (${process.execPath}).\n` +
      `npm brings Node ${MAJOR_MIN} as a dependency and puts it first on the path of its scripts, unless it was told\n` +
      '--ignore-scripts. Run: npm rebuild node --ignore-scripts=false, and start it with npm run.\n',
  );
  process.exit(78);
}
