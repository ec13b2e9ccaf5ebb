import { type Locator, type Page } from '@playwright/test';

/** The test cards, by what happens to them. */
export const CARDS = {
  good: '4242 4242 4242 4242',
  mastercard: '5555 5555 5555 4444',
  declined: '4000 0000 0000 0002',
  secure: '4000 0025 0000 3155',
  /** Its bank wants to be asked about every payment. */
  alwaysSecure: '4000 0027 6000 3184',
  failsAtRenewal: '4000 0000 0000 0341',
};

/** Stripe's pages, played by the sandbox: to pay, of an invoice, and the portal. */
export class StripePage {
  readonly heading: Locator;
  readonly total: Locator;
  readonly email: Locator;
  readonly card: Locator;
  readonly payButton: Locator;
  readonly refusal: Locator;
  readonly completeButton: Locator;
  readonly backLink: Locator;
  /** Of the portal. */
  readonly saveCardButton: Locator;
  /** Of an invoice. */
  readonly cardOnFileButton: Locator;
  readonly status: Locator;

  constructor(readonly page: Page) {
    this.heading = page.getByRole('heading', { level: 1 });
    this.total = page.getByTestId('total');
    this.email = page.getByLabel('E-mail');
    this.card = page.getByLabel('Card number');
    this.payButton = page.getByRole('button', { name: /^(Subscribe|Pay|Pay invoice)$/ });
    this.refusal = page.getByRole('alert');
    this.completeButton = page.getByRole('button', { name: 'Complete authentication' });
    this.saveCardButton = page.getByRole('button', { name: 'Save the card' });
    this.cardOnFileButton = page.getByRole('button', { name: 'Pay with the card on file' });
    this.status = page.getByTestId('status');
    this.backLink = page.getByRole('link', { name: 'Back without paying' });
  }

  async payWith(card: string): Promise<void> {
    await this.card.fill(card);
    await this.payButton.click();
  }
}
