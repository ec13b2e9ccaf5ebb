import { randomUUID } from 'node:crypto';
import { test as base, expect, type BrowserContext, type BrowserContextOptions, type Page } from '@playwright/test';
import { Mailbox, Model, SANDBOX_URL } from './sandbox';
import { AccountPage } from './pages/account_page';
import { AdminPage } from './pages/admin_page';
import { ApiKeysPage } from './pages/api_keys_page';
import { BillingPage } from './pages/billing_page';
import { ChatPage } from './pages/chat_page';
import { HomePage } from './pages/home_page';
import { MailPage } from './pages/mail_page';
import { PickerPage, type Person } from './pages/picker_page';
import { PricingPage } from './pages/pricing_page';
import { SignInPage } from './pages/sign_in_page';
import { StripePage } from './pages/stripe_page';
import { UsagePage } from './pages/usage_page';

/** All pages as seen in one tab. */
export class Tab {
  readonly home: HomePage;
  readonly signIn: SignInPage;
  readonly picker: PickerPage;
  readonly chat: ChatPage;
  readonly usage: UsagePage;
  readonly account: AccountPage;
  readonly admin: AdminPage;
  readonly apiKeys: ApiKeysPage;
  readonly pricing: PricingPage;
  readonly billing: BillingPage;
  readonly stripe: StripePage;
  readonly mail: MailPage;

  constructor(readonly page: Page) {
    this.home = new HomePage(page);
    this.signIn = new SignInPage(page);
    this.picker = new PickerPage(page);
    this.chat = new ChatPage(page);
    this.usage = new UsagePage(page);
    this.account = new AccountPage(page);
    this.admin = new AdminPage(page);
    this.apiKeys = new ApiKeysPage(page);
    this.pricing = new PricingPage(page);
    this.billing = new BillingPage(page);
    this.stripe = new StripePage(page);
    this.mail = new MailPage(page);
  }

  /** Signs in from the sign-in page, and is on the chat page afterwards. */
  async signInAs(person: Person): Promise<void> {
    await this.page.goto('/sign-in');
    await this.signIn.continueWithSandbox();
    await this.picker.signInAs(person);
    await expect(this.page).toHaveURL('/chat');
  }

  /** The same as somebody whom the settings name as an operator. */
  async signInAsOperator(): Promise<void> {
    await this.page.goto('/sign-in');
    await this.signIn.continueWithSandbox();
    await this.picker.operatorButton.click();
    await expect(this.page).toHaveURL('/chat');
  }
}

/** Another browser in the same test: with its own cookies, and watched like the first. */
type OpenBrowser = (options?: BrowserContextOptions) => Promise<Tab>;

interface Fixtures {
  /** What the console may say in this test, because the test breaks something on purpose. */
  expectedProblems: RegExp[];
  problems: string[];
  person: Person;
  model: Model;
  mailbox: Mailbox;
  tab: Tab;
  /** A tab with the person signed in, on the chat page, ready. */
  chat: ChatPage;
  openBrowser: OpenBrowser;
}

/** The browser logs each refused request as an error: 4xx and 5xx that a test provokes. */
export const refusedWith = (...statuses: number[]) =>
  new RegExp(`Failed to load resource: the server responded with a status of (${statuses.join('|')}) `);

export const test = base.extend<Fixtures>({
  expectedProblems: [[], { option: true }],

  problems: [
    async ({ expectedProblems }, use) => {
      const problems: string[] = [];
      await use(problems);
      const unexpected = problems.filter((problem) => !expectedProblems.some((expected) => expected.test(problem)));
      expect(unexpected, 'errors, warnings, blocked content and requests to strangers').toEqual([]);
    },
    { auto: true },
  ],

  context: async ({ context, problems, baseURL }, use) => {
    await watch(context, problems, baseURL);
    await use(context);
  },

  openBrowser: async ({ browser, problems, baseURL }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options) => {
      const context = await browser.newContext(options);
      contexts.push(context);
      await watch(context, problems, baseURL);
      return new Tab(await context.newPage());
    });
    await Promise.all(contexts.map((context) => context.close()));
  },

  person: async ({}, use) => {
    const name = `Robin ${randomUUID().slice(0, 8)}`;
    await use({ name, email: `${name.replace(' ', '-').toLowerCase()}@example.test`, emailState: 'verified' });
  },

  model: async ({ playwright }, use) => {
    const request = await playwright.request.newContext();
    await use(new Model(request));
    await request.dispose();
  },

  mailbox: async ({ playwright }, use) => {
    const request = await playwright.request.newContext();
    await use(new Mailbox(request));
    await request.dispose();
  },

  tab: async ({ page }, use) => use(new Tab(page)),

  chat: async ({ tab, person }, use) => {
    await tab.signInAs(person);
    await tab.chat.isReady();
    await use(tab.chat);
  },
});

export { expect };

/** What the console may say in every test: the page was slow, or there is no JavaScript to use what it has loaded. */
const HARMLESS = /was preloaded using link preload but not used within a few seconds/;

/** What it may say of a page that is left while it reads a reply: the library that reads streams logs the early end. */
const HARMLESS_WHEN_LEFT = /^TypeError: network error$/;

const LEAVES = 'this page is being left';

async function watch(context: BrowserContext, problems: string[], baseURL = ''): Promise<void> {
  const own = new URL(baseURL).origin;
  const sandbox = new URL(SANDBOX_URL).origin;
  const left = new WeakSet<Page>();
  context.on('page', (page) => page.on('domcontentloaded', () => left.delete(page)));
  context.on('console', (message) => {
    const page = message.page();
    if (page && message.text() === LEAVES) left.add(page);
    const isProblem = message.type() === 'error' || message.type() === 'warning';
    const isLate = page !== null && left.has(page) && HARMLESS_WHEN_LEFT.test(message.text());
    if (isProblem && !isLate && !HARMLESS.test(message.text())) {
      problems.push(`${message.type()}: ${message.text()} (on ${message.page()?.url()}, from ${message.location().url})`);
    }
  });
  context.on('weberror', (error) => problems.push(`uncaught: ${error.error().stack}`));
  context.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== own && origin !== sandbox && protocol.startsWith('http')) {
      problems.push(`request to a stranger: ${request.url()}`);
    }
  });
  await context.addInitScript((leaves) => {
    window.addEventListener('beforeunload', () => console.debug(leaves));
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`blocked by the content security policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  }, LEAVES);
}
