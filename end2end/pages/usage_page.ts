import { type Locator, type Page } from '@playwright/test';
import { AppPage } from './app_page';
import { CapForm } from './cap_form';

/** The usage page, the statement and receipts. */
export class UsagePage extends AppPage {
  readonly charges: Locator;
  readonly chart: Locator;
  /** Amounts that lead to a receipt. */
  readonly receiptLinks: Locator;
  readonly total: Locator;
  readonly periods: Locator;
  readonly statementLink: Locator;
  readonly entries: Locator;
  readonly olderEntries: Locator;
  /** On a receipt. */
  readonly amount: Locator;
  readonly chargeLines: Locator;
  readonly charged: Locator;
  readonly attempts: Locator;
  readonly caps: Locator;
  readonly monthCap: CapForm;
  readonly monthCapLeft: Locator;
  readonly capSaved: Locator;
  readonly threadCaps: Locator;

  constructor(page: Page) {
    super(page);
    this.charges = page.getByTestId('usage-row');
    this.chart = page.getByRole('img', { name: /^Charged by day/ });
    this.receiptLinks = page.getByTestId('receipt-link');
    this.total = page.getByTestId('usage-total');
    this.periods = page.getByRole('navigation', { name: 'Period' }).getByRole('link');
    this.statementLink = page.getByRole('navigation', { name: 'Usage' }).getByRole('link', { name: 'Statement' });
    this.entries = page.getByTestId('statement-row');
    this.olderEntries = page.getByTestId('older-entries');
    this.amount = page.getByTestId('receipt-amount');
    this.chargeLines = page.getByTestId('charge-line');
    this.charged = page.getByTestId('receipt-charged');
    this.attempts = page.getByTestId('attempt-row');
    this.caps = page.getByRole('region', { name: 'Spending caps' });
    this.monthCap = new CapForm(this.caps);
    this.monthCapLeft = page.getByTestId('month-cap-left');
    this.capSaved = page.getByTestId('cap-saved');
    this.threadCaps = page.getByTestId('thread-cap');
  }

  async open(path = '/usage'): Promise<void> {
    await this.openPath(path);
  }

  /** A table by its name, such as "By model". */
  table(name: string): Locator {
    return this.page.getByRole('table', { name, exact: true });
  }
}
