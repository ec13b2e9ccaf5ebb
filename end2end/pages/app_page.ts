import { expect, type Locator, type Page } from '@playwright/test';

/** What all pages of the app share: the header, and coming alive. */
export abstract class AppPage {
  readonly heading: Locator;
  readonly main: Locator;
  readonly skipLink: Locator;
  readonly meter: Locator;
  /** Requests left in this minute. */
  readonly minuteLeft: Locator;
  readonly creditLeft: Locator;
  readonly signInLink: Locator;
  readonly menuButton: Locator;
  readonly signOutButton: Locator;
  readonly themeSwitch: Locator;
  /** Below the header: how far the month's spending has come. */
  readonly alert: Locator;
  readonly dismissAlertButton: Locator;

  constructor(readonly page: Page) {
    this.heading = page.getByRole('heading', { level: 1 });
    this.main = page.getByRole('main');
    this.skipLink = page.getByRole('link', { name: 'Skip to the content' });
    this.meter = page.getByTestId('quota-meter');
    this.minuteLeft = page.getByTestId('quota-minute-remaining');
    this.creditLeft = page.getByTestId('credit-available');
    this.signInLink = page.getByRole('banner').getByRole('link', { name: 'Sign in' });
    this.menuButton = page.getByTestId('user-menu');
    this.signOutButton = page.getByTestId('sign-out');
    this.themeSwitch = page.getByTestId('theme-switch');
    this.alert = page.getByTestId('spending-alert');
    this.dismissAlertButton = page.getByTestId('dismiss-alert');
  }

  /** Waits until the page answers to the person: before that, a click on a button of it would be lost. */
  async isReady(): Promise<void> {
    await expect(this.page.locator('body')).toHaveAttribute('data-hydrated', 'true');
  }

  protected async openPath(path: string): Promise<void> {
    await this.page.goto(path);
    await this.isReady();
  }

  async signOut(): Promise<void> {
    await this.menuButton.click();
    await this.signOutButton.click();
  }
}
