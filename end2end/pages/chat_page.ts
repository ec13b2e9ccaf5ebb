import { expect, type Locator, type Page } from '@playwright/test';
import { AppPage } from './app_page';
import { CapForm } from './cap_form';

type AnswerState = 'streaming' | 'finished' | 'limited' | 'stopped' | 'failed' | 'interrupted' | 'lost';

export class ChatPage extends AppPage {
  readonly composer: Locator;
  readonly sendButton: Locator;
  readonly stopButton: Locator;
  /** Why the message was not sent, beside the composer. */
  readonly refusal: Locator;
  readonly countdown: Locator;
  readonly sendAgainButton: Locator;
  readonly excess: Locator;
  /** Below the field: what Enter does. */
  readonly keysHint: Locator;
  /** In a refusal: the way to the cap that is in the way. */
  readonly raiseCap: Locator;
  /** In place of the composer, without JavaScript. */
  readonly scriptNeeded: Locator;

  readonly questions: Locator;
  readonly answers: Locator;
  /** Below an answer that is being written: why nothing comes. */
  readonly pauseNote: Locator;
  /** Below an answer that ended early. */
  readonly continueButton: Locator;
  /** Below an answer that failed. */
  readonly tryAgainButton: Locator;
  readonly anotherAnswerButton: Locator;
  /** In the place of a question that is being edited. */
  readonly editor: Locator;
  readonly sendEditButton: Locator;
  readonly cancelEditButton: Locator;
  readonly errorPage: Locator;

  readonly exportLink: Locator;
  readonly spendingButton: Locator;
  /** What the conversation has cost, and its cap. */
  readonly spending: Locator;
  readonly threadCap: CapForm;
  readonly threadUsed: Locator;
  /** Above the composer: how far the conversation has come with its cap. */
  readonly capNote: Locator;

  readonly newChatLink: Locator;
  readonly threads: Locator;
  /** Below what a search has found: where the words stand in a message. */
  readonly snippets: Locator;
  /** At the end of a list that goes on. */
  readonly olderButton: Locator;
  readonly searchField: Locator;
  /** How much was found. */
  readonly searchStatus: Locator;
  /** The short message at the edge of the page. */
  readonly toast: Locator;
  readonly undoButton: Locator;
  /** On phones, the list of conversations is a drawer. */
  readonly drawer: Locator;
  readonly openDrawerButton: Locator;
  readonly closeDrawerButton: Locator;

  constructor(page: Page) {
    super(page);
    this.composer = page.getByTestId('composer-input');
    this.sendButton = page.getByTestId('composer-send');
    this.stopButton = page.getByTestId('composer-stop');
    this.refusal = page.getByTestId('composer-error');
    this.countdown = page.getByTestId('composer-countdown');
    this.sendAgainButton = page.getByTestId('send-again');
    this.excess = page.getByTestId('composer-excess');
    this.keysHint = page.getByTestId('hint-keys');
    this.raiseCap = page.getByTestId('raise-cap');
    this.scriptNeeded = page.locator('noscript');

    this.questions = page.getByTestId('message-user');
    this.answers = page.getByTestId('message-assistant');
    this.pauseNote = page.getByTestId('reply-pause');
    this.continueButton = page.getByTestId('continue-reply');
    this.tryAgainButton = page.getByTestId('retry-reply');
    this.anotherAnswerButton = page.getByTestId('another-answer');
    this.editor = page.getByRole('textbox', { name: 'Your message' });
    this.sendEditButton = page.getByRole('button', { name: 'Save & send' });
    this.cancelEditButton = page.getByRole('button', { name: 'Cancel' });
    this.errorPage = page.getByTestId('error-page');

    this.exportLink = page.getByTestId('export-thread');
    this.spendingButton = page.getByTestId('thread-spending-button');
    this.spending = page.getByRole('dialog', { name: 'Spending in this conversation' });
    this.threadCap = new CapForm(this.spending);
    this.threadUsed = page.getByTestId('thread-used');
    this.capNote = page.getByTestId('thread-cap-note');

    this.newChatLink = page.getByTestId('new-chat');
    this.threads = page.getByTestId('thread-link');
    this.snippets = page.getByTestId('thread-snippet');
    this.olderButton = page.getByTestId('older-threads');
    this.searchField = page.getByRole('searchbox', { name: 'Search the conversations' });
    this.searchStatus = page.getByTestId('thread-search-status');
    this.toast = page.locator('.toast');
    this.undoButton = page.getByTestId('undo-delete');
    this.drawer = page.getByRole('navigation', { name: 'Conversations' });
    this.openDrawerButton = page.getByRole('button', { name: 'Conversations' });
    this.closeDrawerButton = page.getByRole('button', { name: 'Close the list' });
  }

  async open(path = '/chat'): Promise<void> {
    await this.openPath(path);
  }

  /** With the key, and where only fingers are with the button: there Enter breaks the line. */
  async send(text: string): Promise<void> {
    await this.composer.fill(text);
    if (await this.hasTouchOnly()) await this.sendButton.tap();
    else await this.composer.press('Enter');
  }

  private hasTouchOnly(): Promise<boolean> {
    return this.page.evaluate(() => matchMedia('(hover: none) and (pointer: coarse)').matches);
  }

  /** Sends, and waits for the whole answer. */
  async ask(text: string): Promise<Locator> {
    const before = await this.answers.count();
    await this.send(text);
    const answer = this.answers.nth(before);
    await this.hasState(answer, 'finished');
    return answer;
  }

  async hasState(answer: Locator, state: AnswerState): Promise<void> {
    await expect(answer).toHaveAttribute('data-state', state);
  }

  /** Everything that belongs to an answer: its text, how it ended, what can be done with it. */
  turnOf(answer: Locator): Locator {
    return answer.locator('xpath=ancestor::li[1]');
  }

  /** Below a question or an answer: which of its versions it is, such as "2 of 3". */
  versionOf(message: Locator): Locator {
    return this.turnOf(message).getByTestId('versions');
  }

  versionButton(message: Locator, name: `${'Previous' | 'Next'} ${'question' | 'answer'}`): Locator {
    return this.turnOf(message).getByRole('button', { name });
  }

  editButtonOf(question: Locator): Locator {
    return this.turnOf(question).getByRole('button', { name: 'Edit' });
  }

  async edit(question: Locator, text: string): Promise<void> {
    await this.turnOf(question).hover();
    await this.editButtonOf(question).click();
    await this.editor.fill(text);
    await this.sendEditButton.click();
  }

  /** The button that says what somebody thinks of an answer. */
  ratingOf(answer: Locator, name: 'Good answer' | 'Bad answer'): Locator {
    return this.turnOf(answer).getByRole('button', { name });
  }

  /** A conversation in the list. */
  thread(title: string): Locator {
    return this.drawer.getByRole('listitem').filter({ hasText: title });
  }

  async rename(title: string, newTitle: string): Promise<void> {
    await this.thread(title).hover();
    await this.thread(title).getByTestId('rename-thread').click();
    const field = this.page.getByRole('textbox', { name: 'New name' });
    await field.fill(newTitle);
    await field.press('Enter');
  }

  async delete(title: string): Promise<void> {
    await this.thread(title).hover();
    await this.thread(title).getByTestId('delete-thread').click();
  }
}
