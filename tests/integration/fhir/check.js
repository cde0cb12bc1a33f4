// Says what is wrong with a FHIR R4 bundle: node check.js MODULES FILE. One JSON object on standard
// output: {"valid", "messages", "types": {type: how many}}. MODULES is the folder of node_modules.
'use strict';

const fs = require('fs');
const path = require('path');

const [modules, file] = process.argv.slice(2);
const { Fhir } = require(path.join(modules, 'node_modules', 'fhir'));

const bundle = JSON.parse(fs.readFileSync(file, 'utf8'));
const whole = new Fhir().validate(bundle, { errorOnUnexpected: true });
const messages = whole.messages.slice();
const types = {};

// Each resource by itself too: what is inside of a bundle is looked at less closely.
for (const entry of bundle.entry) {
  const type = entry.resource.resourceType;
  types[type] = (types[type] || 0) + 1;
  const one = new Fhir().validate(entry.resource, { errorOnUnexpected: true });
  for (const message of one.messages) {
    messages.push({ ...message, resourceId: `${type}/${entry.resource.id}` });
  }
}
const bad = messages.filter((m) => m.severity === 'error' || m.severity === 'fatal');
process.stdout.write(JSON.stringify({ valid: bad.length === 0, messages: bad, types }) + '\n');
