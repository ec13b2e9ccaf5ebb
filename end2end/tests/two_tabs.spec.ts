import { expect, Tab, test } from '../fixtures';

/** The browser tells the page that somebody has come back to it; a headless one has no window to come back to. */
async function comeBackTo(tab: Tab): Promise<void> {
  await tab.page.evaluate(() => window.dispatchEvent(new Event('focus')));
}

test('A tab that is come back to shows what another one wrote, and goes on from there', async ({ chat, model, tab }) => {
  const first = await model.script('First', { text: 'One.' });
  const second = await model.script('Second', { text: `Two. ${'And more. '.repeat(400)}` });
  const third = await model.script('Third', { text: 'Three.' });
  const fourth = await model.script('Fourth', { text: 'Four.' });
  await chat.ask(first);
  const other = new Tab(await tab.page.context().newPage());
  await other.chat.open(new URL(tab.page.url()).pathname);
  await other.chat.isReady();

  await chat.composer.fill('A draft');
  await other.chat.ask(second);
  await expect(chat.answers).toHaveCount(1);
  await comeBackTo(tab);
  await expect(chat.questions).toHaveText([first, second]);
  await expect(chat.composer).toHaveValue('A draft');
  const news = tab.page.getByRole('status').filter({ hasText: '2 new messages, written elsewhere' });
  await expect(news).toHaveText('2 new messages, written elsewhere, are shown at the end.');
  await expect(chat.questions.first()).toBeInViewport();
  await tab.page.getByTestId('jump-to-latest').click();
  await expect(chat.questions.first()).not.toBeInViewport();

  await chat.ask(third);
  await comeBackTo(other);
  await expect(other.chat.questions).toHaveText([first, second, third]);
  await expect(chat.versionOf(chat.questions.nth(1))).toHaveCount(0);
  expect((await model.journal(third))[0]).toMatchObject({ message_count: 5 });

  await other.chat.newChatLink.click();
  await other.chat.ask(fourth);
  await expect(chat.threads).toHaveText([first]);
  await comeBackTo(tab);
  await expect(chat.threads).toHaveText([fourth, first]);
  await other.chat.delete(fourth);
  await expect(other.chat.undoButton).toBeVisible();
  await comeBackTo(tab);
  await expect(chat.threads).toHaveText([first]);
});

test('An answer that is being written elsewhere is followed', async ({ chat, model, tab }) => {
  const first = await model.script('Begin', { text: 'Begun.' });
  const slow = await model.script('Slowly', { text: 'One two three four five six.', gap_ms: 300 });
  await chat.ask(first);
  const other = new Tab(await tab.page.context().newPage());
  await other.chat.open(new URL(tab.page.url()).pathname);
  await other.chat.isReady();
  await other.chat.send(slow);
  await other.chat.hasState(other.chat.answers.nth(1), 'streaming');
  await comeBackTo(tab);
  await chat.hasState(chat.answers.nth(1), 'streaming');
  await chat.hasState(chat.answers.nth(1), 'finished');
  await expect(chat.answers.nth(1)).toHaveText('One two three four five six.');
});

test('What is being edited stays as it is', async ({ chat, model, tab }) => {
  const first = await model.script('Edit me', { text: 'One.' });
  const second = await model.script('Meanwhile', { text: 'Two.' });
  await chat.ask(first);
  const other = new Tab(await tab.page.context().newPage());
  await other.chat.open(new URL(tab.page.url()).pathname);
  await other.chat.isReady();
  await other.chat.ask(second);
  await chat.turnOf(chat.questions.first()).hover();
  await chat.editButtonOf(chat.questions.first()).click();
  await comeBackTo(tab);
  await chat.editor.fill('Another question');
  await expect(chat.answers).toHaveCount(1);
  await chat.cancelEditButton.click();
  await comeBackTo(tab);
  await expect(chat.questions).toHaveText([first, second]);
});
