import { type Locator, type Page } from '@playwright/test';

/** Somebody whom the sandbox's identity providers know from the moment a test names them. */
export interface Person {
  name: string;
  email: string;
  emailState: 'verified' | 'unverified' | 'missing';
}

/** The identity provider's page, served by the sandbox. */
export class PickerPage {
  readonly heading: Locator;
  readonly name: Locator;
  readonly email: Locator;
  readonly emailState: Locator;
  readonly signInButton: Locator;
  readonly refuseButton: Locator;
  /** Somebody who is always known, and an operator. */
  readonly operatorButton: Locator;

  constructor(readonly page: Page) {
    this.heading = page.getByRole('heading', { name: 'Who is signing in?' });
    this.name = page.getByLabel('Name');
    this.email = page.getByLabel('E-mail', { exact: true });
    this.emailState = page.getByLabel('The e-mail is');
    this.signInButton = page.getByRole('button', { name: 'Sign in' });
    this.refuseButton = page.getByRole('button', { name: 'Refuse' });
    this.operatorButton = page.getByRole('button', { name: 'Grace Hopper' });
  }

  async signInAs(person: Person): Promise<void> {
    await this.name.fill(person.name);
    await this.email.fill(person.email);
    await this.emailState.selectOption(person.emailState);
    await this.signInButton.click();
  }

  async refuse(): Promise<void> {
    await this.refuseButton.click();
  }
}
