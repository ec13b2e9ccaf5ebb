import OpenAI from 'openai';
import { expect, test, type Tab } from '../fixtures';

/** OpenAI's own client, with a key of the person who is signed in. */
async function client(tab: Tab, baseURL: string): Promise<OpenAI> {
  const apiKey = await tab.page.evaluate(async () => {
    const body = new URLSearchParams({ name: 'nightly report' });
    const response = await fetch('/api/api_keys/create_api_key', { method: 'POST', body });
    return (await response.json()).secret as string;
  });
  return new OpenAI({ apiKey, baseURL: `${baseURL}/v1`, maxRetries: 0 });
}

test("OpenAI's own client streams an answer, and its usage is what the page charges", async ({ baseURL, chat, model, tab }) => {
  await expect(chat.meter).toBeVisible();
  const openai = await client(tab, baseURL!);
  const usage = { prompt_tokens: 1_000, completion_tokens: 1_000 };
  const prompt = await model.script('Say four words.', { text: 'One two three four.', usage });
  const stream = await openai.chat.completions.create({
    model: 'everyday',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: prompt },
    ],
    stream: true,
    stream_options: { include_usage: true },
  });
  const words: string[] = [];
  let used: OpenAI.CompletionUsage | null | undefined;
  for await (const chunk of stream) {
    words.push(chunk.choices[0]?.delta.content ?? '');
    used = chunk.usage ?? used;
  }
  expect(words.join('')).toBe('One two three four.');
  expect(used).toMatchObject(usage);

  await tab.usage.open();
  await expect(tab.usage.total).toHaveText('$0.00075');
  const row = tab.usage.table('By conversation').getByRole('row', { name: 'API key “nightly report”' });
  await expect(row).toContainText('$0.00075');
});

test("OpenAI's own client understands models, whole answers and refusals", async ({ baseURL, chat, model, tab }) => {
  await expect(chat.meter).toBeVisible();
  const openai = await client(tab, baseURL!);
  const models = (await openai.models.list()).data.map(({ id }) => id);
  expect(models).toContain('everyday');

  const ask = (model: string, content: string) =>
    openai.chat.completions.create({ model, messages: [{ role: 'user', content }] });
  const prompt = await model.script('Is it straight?', { text: 'Yes.' });
  const answer = await ask('everyday', prompt);
  expect(answer.choices[0]).toMatchObject({ message: { content: 'Yes.' }, finish_reason: 'stop' });

  await expect(ask('gpt-9', 'Hello?')).rejects.toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
  const broken = await model.script('Does it break?', { status: 503 });
  await expect(ask('everyday', broken)).rejects.toBeInstanceOf(OpenAI.InternalServerError);
  const stranger = new OpenAI({ apiKey: 'plb_wrong', baseURL: `${baseURL}/v1`, maxRetries: 0 });
  await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
});

test('A client that aborts stops the model', async ({ baseURL, chat, model, tab }) => {
  await expect(chat.meter).toBeVisible();
  const openai = await client(tab, baseURL!);
  const prompt = await model.script('Go on and on.', { text: 'One two three four five.', stall_after_chunks: 2 });
  const stream = await openai.chat.completions.create({
    model: 'everyday',
    messages: [{ role: 'user', content: prompt }],
    stream: true,
  });
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) break;
  }
  await expect.poll(async () => (await model.journal(prompt))[0]?.state).toBe('client_gone');
});

test("OpenAI's own client has its tools called, and reads JSON by its schema", async ({ baseURL, chat, model, tab }) => {
  await expect(chat.meter).toBeVisible();
  const openai = await client(tab, baseURL!);
  const prompt = await model.script('How warm is it in Ulm?', { text: 'It is 12 degrees in Ulm.' });
  const tool_calls = [{ name: 'weather', arguments: { city: 'Ulm' } }];
  await model.scriptAgain(prompt, { tool_calls, times: 1 });
  const cities: string[] = [];
  const weather = async ({ city }: { city: string }) => {
    cities.push(city);
    return '12 degrees';
  };
  const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const runner = openai.chat.completions.runTools({
    model: 'everyday',
    stream: true,
    messages: [{ role: 'user', content: prompt }],
    tools: [{ type: 'function', function: { name: 'weather', parameters, function: weather, parse: JSON.parse } }],
  });
  expect(await runner.finalContent()).toBe('It is 12 degrees in Ulm.');
  expect(cities).toEqual(['Ulm']);
  expect((await model.journal(prompt)).at(-1)!.tool_results).toMatchObject([{ content: '12 degrees' }]);

  const verdict = await model.script('Is it straight?', { text: '{"straight":true}' });
  const answer = await openai.chat.completions.parse({
    model: 'everyday',
    messages: [{ role: 'user', content: verdict }],
    response_format: { type: 'json_schema', json_schema: { name: 'verdict', schema: { type: 'object' } } },
  });
  expect(JSON.parse(answer.choices[0]!.message.content!)).toEqual({ straight: true });
});
