import { addConversations } from '../database';
import { expect, refusedWith, test } from '../fixtures';

test.describe('The list of conversations', () => {
  test('A new chat begins another conversation', async ({ chat, model, tab }) => {
    const first = await model.script('Talk about apples', { text: 'Apples.' });
    const second = await model.script('Talk about pears', { text: 'Pears.' });
    await chat.ask(first);
    await chat.newChatLink.click();
    await expect(tab.page).toHaveURL('/chat');
    await expect(chat.answers).toHaveCount(0);
    await expect(chat.composer).toBeFocused();
    await chat.ask(second);
    await expect(chat.answers).toHaveText(['Pears.']);
    await expect(chat.threads).toHaveText([second, first]);
    await chat.threads.nth(1).click();
    await expect(chat.answers).toHaveText(['Apples.']);
    await expect(chat.threads.nth(1)).toHaveAttribute('aria-current', 'page');
    await tab.page.goBack();
    await expect(chat.answers).toHaveText(['Pears.']);
  });

  test('A conversation can be renamed', async ({ chat, model, tab }) => {
    const prompt = await model.script('Name me', { text: 'Yes.' });
    await chat.ask(prompt);
    await chat.rename(prompt, 'A better name');
    await expect(chat.threads).toHaveText(['A better name']);
    await expect(chat.heading).toHaveText('A better name');
    await tab.page.reload();
    await expect(chat.threads).toHaveText(['A better name']);
    await expect(tab.page).toHaveTitle('A better name · Plumbline');
  });

  test('A conversation can be kept as a file, also on a small phone', async ({ chat, model, tab }) => {
    await expect(chat.exportLink).toHaveCount(0);
    const prompt = await model.script('Keep me', { text: '**Kept.**' });
    await chat.ask(prompt);
    await tab.page.setViewportSize({ width: 320, height: 640 });
    await expect(chat.exportLink).toBeInViewport({ ratio: 1 });
    await expect(chat.spendingButton).toBeInViewport({ ratio: 1 });
    const download = tab.page.waitForEvent('download');
    await chat.exportLink.click();
    expect((await download).suggestedFilename()).toMatch(/^plumbline-keep-me-.*\.md$/);
    const file = await (await tab.page.request.get(`${tab.page.url()}/export.md`)).text();
    expect(file).toContain(`# ${prompt}\n\n## You, `);
    expect(file).toContain(prompt);
    expect(file).toContain('**Kept.**');
  });

  test('Escape leaves the name as it was', async ({ chat, model, tab }) => {
    const prompt = await model.script('Keep my name', { text: 'Yes.' });
    await chat.ask(prompt);
    await chat.thread(prompt).hover();
    await chat.thread(prompt).getByTestId('rename-thread').click();
    const field = tab.page.getByRole('textbox', { name: 'New name' });
    await field.fill('Something else');
    await field.press('Escape');
    await expect(chat.threads).toHaveText([prompt]);
    await tab.page.reload();
    await expect(chat.threads).toHaveText([prompt]);
  });

  test('A deleted conversation is gone, and Undo brings it back', async ({ chat, model, tab }) => {
    const prompt = await model.script('Delete me', { text: 'Gone soon.' });
    await chat.ask(prompt);
    const address = tab.page.url();
    await chat.delete(prompt);
    await expect(chat.threads).toHaveCount(0);
    await expect(tab.page).toHaveURL('/chat');
    await chat.undoButton.click();
    await expect(chat.threads).toHaveText([prompt]);
    await expect(tab.page).toHaveURL(address);
    await expect(chat.answers).toHaveText(['Gone soon.']);
    await tab.page.reload();
    await expect(chat.answers).toHaveText(['Gone soon.']);
  });

  test.describe(() => {
    test.use({ expectedProblems: [/net::ERR_INTERNET_DISCONNECTED/] });

    test('Undo that does not arrive can be tried again', async ({ chat, model, tab }) => {
      const prompt = await model.script('Delete me on a train', { text: 'Gone soon.' });
      await chat.ask(prompt);
      await chat.delete(prompt);
      await expect(chat.undoButton).toBeVisible();
      await tab.page.context().setOffline(true);
      await chat.undoButton.click();
      await expect(chat.toast).toContainText('The connection was lost');
      await tab.page.context().setOffline(false);
      await chat.undoButton.click();
      await expect(chat.threads).toHaveText([prompt]);
      await expect(chat.toast).toBeHidden();
    });
  });

  test.describe(() => {
    test.use({ expectedProblems: [refusedWith(404)] });

    test('The address of a deleted conversation leads nowhere', async ({ chat, model, tab }) => {
      const prompt = await model.script('Delete me for good', { text: 'Gone.' });
      await chat.ask(prompt);
      const address = tab.page.url();
      await chat.delete(prompt);
      await expect(chat.undoButton).toBeVisible();
      const response = await tab.page.goto(address);
      expect(response?.status()).toBe(404);
      await expect(chat.errorPage).toBeVisible();
    });

    test("Somebody else's conversation is not shown", async ({ chat, model, tab, openBrowser }) => {
      const prompt = await model.script('A secret', { text: 'Between us.' });
      await chat.ask(prompt);
      const stranger = await openBrowser();
      await stranger.signInAs({ name: prompt, email: 'stranger@example.test', emailState: 'verified' });
      const response = await stranger.page.goto(tab.page.url());
      expect(response?.status()).toBe(404);
      await expect(stranger.chat.errorPage).toBeVisible();
      await expect(stranger.page.getByText('Between us.')).toHaveCount(0);
    });
  });
});

test('Words in messages are found, after those in titles, with where they stand', async ({ chat, model, tab }) => {
  const about = await model.script('About walls', { text: 'Hang a <i>plumb</i> line & look along it.' });
  await chat.ask(about);
  await chat.newChatLink.click();
  const named = await model.script('Plumb or not', { text: 'Not.' });
  await chat.ask(named);
  await chat.searchField.fill('pl');
  await expect(chat.threads).toHaveText([named]);
  await chat.searchField.fill('PLUMB');
  await expect(chat.threads).toHaveCount(2);
  await expect(chat.searchStatus).toHaveText('2 conversations found');
  await expect(chat.threads.first()).toHaveText(named);
  await expect(chat.snippets).toHaveText(['Hang a <i>plumb</i> line & look along it.']);
  await expect(chat.threads.nth(1)).toHaveAccessibleName(`${about} Hang a <i>plumb</i> line & look along it.`);
  await chat.threads.nth(1).click();
  await expect(chat.heading).toHaveText(about);
  await expect(tab.page).toHaveURL(/\/chat\/[0-9a-f-]{36}$/);
  await chat.searchField.fill('nowhere to be found');
  await expect(chat.searchStatus).toHaveText('No title and no recent message has these words in it.');
});

test.describe('A long list of conversations', () => {
  test.beforeEach(async ({ chat, person }) => {
    await addConversations(person.name, 230);
    await chat.open();
  });

  test('goes on with Older, and the focus goes with it', async ({ chat }) => {
    await expect(chat.threads).toHaveCount(200);
    await chat.olderButton.focus();
    await chat.olderButton.press('Enter');
    await expect(chat.threads).toHaveCount(230);
    await expect(chat.threads.nth(200)).toBeFocused();
    await expect(chat.threads.last()).toHaveText('Talk 230');
    await expect(chat.olderButton).toHaveCount(0);
  });

  test('can be searched by titles, also those that are not listed yet', async ({ chat, model }) => {
    await chat.searchField.fill('talk 22');
    await expect(chat.searchStatus).toHaveText('11 conversations found');
    await expect(chat.threads).toHaveText(['Talk 22', ...Array.from({ length: 10 }, (_, i) => `Talk ${220 + i}`)]);
    await expect(chat.olderButton).toHaveCount(0);
    await chat.rename('Talk 225', 'Talk 22 of another name');
    await expect(chat.thread('Talk 22 of another name')).toBeVisible();
    await chat.delete('Talk 226');
    await expect(chat.threads).toHaveCount(10);
    await chat.undoButton.click();
    await expect(chat.threads).toHaveCount(11);

    await chat.searchField.fill('nowhere');
    await expect(chat.searchStatus).toHaveText('No title and no recent message has these words in it.');
    await expect(chat.threads).toHaveCount(0);
    await chat.searchField.press('Escape');
    await expect(chat.searchStatus).toBeEmpty();
    await expect(chat.searchField).toHaveValue('');
    await expect(chat.threads.first()).toHaveText('Talk 1');
    await chat.ask(await model.script('Answered as ever', { text: 'Yes.' }));
    await expect(chat.threads.first()).toContainText('Answered as ever');
  });

  test.describe('on a phone', () => {
    test.use({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });

    test('is searched with the finger, and what is found opens', async ({ chat, tab }) => {
      await chat.openDrawerButton.tap();
      await chat.searchField.fill('TALK 230');
      await expect(chat.threads).toHaveText(['Talk 230']);
      await expect(chat.searchField).toHaveCSS('font-size', '16px');
      await chat.threads.tap();
      await expect(chat.newChatLink).toBeHidden();
      await expect(chat.heading).toHaveText('Talk 230');
      await expect(tab.page).toHaveURL(/\/chat\/[0-9a-f-]{36}$/);
    });
  });
});
