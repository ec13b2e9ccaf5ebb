import { type Locator, type Page } from '@playwright/test';
import { AppPage } from './app_page';

export class AccountPage extends AppPage {
  readonly sessions: Locator;
  readonly otherSessions: Locator;
  /** Kinds of mail that can be turned off. */
  readonly mailSwitches: Locator;
  readonly signOutHereButton: Locator;
  readonly signOutEverywhereButton: Locator;
  readonly downloadLink: Locator;
  readonly deleteLink: Locator;
  /** On the page that asks. */
  readonly consequences: Locator;
  readonly confirmBox: Locator;
  readonly deleteButton: Locator;
  /** On every page, while the account waits to be erased. */
  readonly erasureBanner: Locator;
  readonly keepButton: Locator;

  constructor(page: Page) {
    super(page);
    this.sessions = page.getByTestId('session-row');
    this.otherSessions = this.sessions.filter({ has: page.getByTestId('revoke-session') });
    this.mailSwitches = page.getByTestId('mail-switch');
    this.signOutHereButton = page.getByTestId('account-sign-out');
    this.signOutEverywhereButton = page.getByTestId('sign-out-everywhere');
    this.downloadLink = page.getByTestId('download-data');
    this.deleteLink = page.getByTestId('delete-account');
    this.consequences = page.getByTestId('consequences');
    this.confirmBox = page.getByTestId('confirm-erasure');
    this.deleteButton = page.getByTestId('request-erasure');
    this.erasureBanner = page.getByTestId('erasure-banner');
    this.keepButton = page.getByTestId('keep-account');
  }

  async open(): Promise<void> {
    await this.openPath('/account');
  }

  /** The value beside a word of the person's panel: "Name", "E-mail", "Signs in with". */
  fact(name: string): Locator {
    return this.page.locator('dl > div').filter({ has: this.page.getByRole('term').getByText(name, { exact: true }) }).getByRole('definition');
  }
}
