import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { configFileSchema, jsonSchema } from '../../../src/config/file-schema.js';
import { validLoadedConfig } from './arbitrary.js';

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly oneOf?: readonly Node[];
  readonly additionalProperties?: boolean;
}

const schema = jsonSchema();
const data = { train: [{ source: 'a', target: 'b' }], dev: [{ file: 'c.tsv' }] };

test('the schema is JSON Schema 2020-12', () => {
  assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');
  assert.equal(schema['title'], 's2s configuration');
  assert.deepEqual(JSON.parse(JSON.stringify(schema)), schema);
});

test('every key has a description, and unknown keys are rejected', () => {
  let keys = 0;
  const visit = (node: Node, path: string): void => {
    if (node.properties !== undefined) assert.equal(node.additionalProperties, false, path);
    for (const [key, property] of Object.entries(node.properties ?? {})) {
      keys += 1;
      assert.match(property.description ?? '', /^\S.*\.$/, `${path}${key}`);
      visit(property, `${path}${key}.`);
    }
    for (const kind of node.oneOf ?? []) visit(kind, path);
    if (node.items !== undefined) visit(node.items, `${path}*.`);
  };
  visit(schema, '');
  assert.ok(keys > 100, `${keys} keys`);
});

test('settings with a default are not required', () => {
  assert.deepEqual(schema['required'], ['data']);
  const properties = schema['properties'] as Record<string, { required?: string[] }>;
  assert.deepEqual(properties['data']?.required, ['train', 'dev']);
});

test('the JSON Schema accepts and rejects the same documents as the loader', () => {
  const editor = z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema);
  const documents: readonly [accepted: boolean, document: unknown][] = [
    [true, { data }],
    [true, { data, seed: 0, device: 'gpu:1', model: { encoder: { layers: 2 } } }],
    [true, { data: { ...data, train: [{ file: 'x', sourceColumn: 2, targetColumn: 'en', quote: '' }] } }],
    [true, { data: { ...data, dev: { holdOut: 1000 }, test: { holdOut: 1 } } }],
    [false, { data: { ...data, dev: { holdOut: 0 } } }],
    [false, { data: { ...data, dev: { holdOut: 1, file: 'x' } } }],
    [false, { data: { ...data, train: { holdOut: 1 } } }],
    [false, {}],
    [false, null],
    [false, { data: { ...data, train: [] } }],
    [false, { data, seed: 1.5 }],
    [false, { data, seed: -1 }],
    [false, { data, seed: '1' }],
    [false, { data, device: 'gpu:x' }],
    [false, { data, sede: 1 }],
    [false, { data, model: { encoder: { layer: 2 } } }],
    [false, { data, model: { dropout: { output: 1 } } }],
    [false, { data, model: { encoder: { type: 'lstn' } } }],
    [true, { data, model: { decoder: { type: 'lstm', attention: 'dot' } } }],
    [false, { data, model: { attention: 'dot' } }],
    [false, { data, training: { optimizer: { learningRate: 0 } } }],
    [false, { data, tokenizer: { type: 'bep' } }],
    [false, { data, tokenizer: null }],
    [false, { data: { ...data, dev: [{ file: 'x', delimiter: '::' }] } }],
    [false, { data: { ...data, dev: [{ file: 'x', sourceColumn: 0 }] } }],
  ];
  for (const [accepted, document] of documents) {
    assert.equal(configFileSchema.safeParse(document).success, accepted, JSON.stringify(document));
    assert.equal(editor.safeParse(document).success, accepted, JSON.stringify(document));
  }
  fc.assert(
    fc.property(validLoadedConfig(), (config) => editor.safeParse(config).success),
    { numRuns: 50 },
  );
});
