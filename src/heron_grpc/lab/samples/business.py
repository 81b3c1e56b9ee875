"""Sample documents of trade, banking and tax."""

from heron_grpc.lab.samples.blocks import Blocks, Heading, Paragraph, Title, grid, lines

BANK_STATEMENT: Blocks = (
    lines("""Larkspur Savings & Trust
        12 Quayside Parade, Tern Harbour"""),
    Title("Checking account - monthly statement"),
    lines("""Account holder: Odalys Fenwick
        Account ending in 4471
        Statement dates: 1 March to 31 March"""),
    Heading("Summary"),
    grid("""Item | Amount
        Balance on 1 March | 2,315.60
        Deposits and other additions | 3,180.00
        Card purchases and withdrawals | -1,947.28
        Fees | -4.00
        Balance on 31 March | 3,544.32"""),
    Heading("Transactions"),
    grid("""Date | Description | Withdrawal | Deposit | Balance
        03/02 | Card purchase Kestrel Grocery | 84.17 | | 2,231.43
        03/05 | Direct deposit Petrel Shipping payroll | | 1,590.00 | 3,821.43
        03/09 | ATM withdrawal Quayside | 200.00 | | 3,621.43
        03/14 | Standing order rent Mallow Court | 1,150.00 | | 2,471.43
        03/19 | Direct deposit Petrel Shipping payroll | | 1,590.00 | 4,061.43
        03/24 | Card purchase Halyard Fuel | 61.11 | | 4,000.32
        03/28 | Transfer to savings | 452.00 | | 3,548.32
        03/31 | Monthly service fee | 4.00 | | 3,544.32"""),
    Paragraph(
        "Tell us within 30 days if a transaction looks wrong. Deposits are protected up to the legal limit. "
        "Interest earned this year: 1.92."
    ),
)

INVOICE: Blocks = (
    lines("""Brindle & Oak Joinery
        Unit 6, Sawmill Lane, Hatherby
        VAT registration 555 0192 77"""),
    Title("Invoice"),
    lines("""Invoice number: BO-20419
        Date of issue: 18 April
        Payment due: 2 May
        Customer: The Pelican Tea Room, 3 Market Cross, Hatherby"""),
    grid("""Description | Qty | Unit price | Total
        Oak counter, 2.4 m, oiled | 1 | 1,240.00 | 1,240.00
        Shelf boards, beech | 12 | 31.50 | 378.00
        Fitting on site, hours | 9 | 46.00 | 414.00
        Delivery | 1 | 55.00 | 55.00"""),
    lines("""Net amount 2,087.00
        VAT 20% 417.40
        Total to pay 2,504.40"""),
    Heading("How to pay"),
    Paragraph(
        "Please transfer the total to Hatherby Mutual, account 00 55 19 23, and quote the invoice number. "
        "Goods remain ours until they are paid for. Late payments carry 1% a month."
    ),
)

PURCHASE_ORDER: Blocks = (
    lines("""Gannet Research Vessels Ltd
        Procurement, Dock 4, Tern Harbour"""),
    Title("Purchase Order"),
    lines("""PO number: 7700-318
        Order date: 11 June
        Supplier: Coil & Cable Works, Ironmere
        Deliver to: Stores, Dock 4, gate B
        Requested by: I. Marchetti   Cost centre 410"""),
    grid("""Line | Part | Description | Quantity | Price each | Amount
        1 | CC-0815 | Marine cable 3x2.5, drum of 100 m | 4 | 189.00 | 756.00
        2 | CC-2210 | Cable gland M25, brass | 60 | 3.40 | 204.00
        3 | CC-9001 | Junction box IP67 | 15 | 22.80 | 342.00"""),
    lines("""Order total 1,302.00
        Delivery no later than 30 June, carriage paid"""),
    Paragraph(
        "Please confirm this order within two working days. Mark every parcel with the order number. Goods that do "
        "not meet the specification are sent back at the supplier's cost."
    ),
    lines("Authorised by: H. Okonjo, head of procurement"),
)

PAYSLIP: Blocks = (
    lines("""Petrel Shipping Company
        Payroll office"""),
    Title("Pay slip"),
    lines("""Employee: Odalys Fenwick   Staff number 20871
        Department: Freight planning
        Period: 1 to 15 March   Paid on: 19 March"""),
    grid("""Earnings | Hours | Rate | This period | Year to date
        Basic salary | 76.0 | 24.10 | 1,831.60 | 9,158.00
        Overtime | 4.0 | 36.15 | 144.60 | 433.80
        Gross pay | | | 1,976.20 | 9,591.80"""),
    grid("""Deductions | This period | Year to date
        Income tax | 214.30 | 1,040.11
        Social insurance | 122.52 | 594.70
        Pension plan | 49.38 | 246.90
        Total deductions | 386.20 | 1,881.71"""),
    lines("""Net pay 1,590.00
        Paid to account ending 4471
        Holiday left: 14.5 days"""),
)

W9: Blocks = (
    lines("""Form W-9
        (Rev. March 2024)
        Department of the Treasury
        Internal Revenue Service"""),
    Title("Request for Taxpayer Identification Number and Certification"),
    Paragraph("Go to the agency's site for instructions and the latest information. Give form to the requester."),
    lines("""1 Name of entity/individual: Marlow Thistle
        2 Business name, if different from above: Thistle Kite Repair LLC
        3a Federal tax classification: [X] LLC, tax classification P
        4 Exemptions: none
        5 Address: 88 Windmill Rise
        6 City, state, and ZIP code: Saltmarsh, ME 00000
        7 List account number(s) here (optional):"""),
    Heading("Part I Taxpayer Identification Number (TIN)"),
    lines("Employer identification number: 00-0000000"),
    Heading("Part II Certification"),
    Paragraph(
        "Under penalties of perjury, I certify that the number shown on this form is my correct taxpayer "
        "identification number, that I am not subject to backup withholding, and that I am a U.S. person."
    ),
    lines("Sign here: Marlow Thistle   Date: 4 February"),
)

UTILITY_BILL: Blocks = (
    lines("""Northmere Power & Water
        Customer care 0555 010 200"""),
    Title("Your electricity bill"),
    lines("""Customer: Ptolemy Ashgrove
        Supply address: 41 Lantern Street, Northmere
        Account number: 6620 1187 03
        Bill date: 6 November
        Billing period: 4 October to 3 November"""),
    grid("""Meter number | Previous reading | Present reading | kWh used
        E-229014 | 18,402 | 18,771 | 369"""),
    grid("""Charge | Amount
        Energy 369 kWh at 0.214 | 78.97
        Standing charge 31 days | 13.02
        Green levy | 2.44
        Tax 5% | 4.72
        Amount due | 99.15"""),
    lines("""Please pay by 24 November
        Last payment received: 92.60, thank you"""),
    Paragraph("No supply? Call the emergency line day and night. Send us your own reading if this one is an estimate."),
)

RECEIPT: Blocks = (
    Title("KESTREL GROCERY"),
    lines("""Quayside 9, Tern Harbour
        Tel 0555 010 377
        Receipt 118-04421
        14/03  17:26   Till 3
        Served by Benedikt"""),
    grid("""Item | Price
        Rye bread | 3.20
        Oat milk 2 x 1.85 | 3.70
        Plums 0.640 kg | 2.43
        Cheddar | 5.15
        Dish soap | 2.60"""),
    lines("""SUBTOTAL 17.08
        TAX 0.92
        TOTAL 18.00
        CASH 20.00
        CHANGE 2.00
        Thank you, see you soon!"""),
)

BALANCE_SHEET_ROWS = grid("""Thistle Kite Repair LLC | |
    Balance sheet | as of 31 December |
    Assets | This year | Last year
    Cash at bank | 18420 | 12105
    Accounts receivable | 7310 | 6890
    Inventory of cloth and spars | 5205 | 4460
    Total current assets | 30935 | 23455
    Equipment less depreciation | 11800 | 13150
    Total assets | 42735 | 36605
    Liabilities | |
    Accounts payable | 4120 | 3980
    Sales tax owed | 615 | 540
    Bank loan | 9000 | 12000
    Total liabilities | 13735 | 16520
    Owner's equity | 29000 | 20085
    Total liabilities and equity | 42735 | 36605""").rows

LOSS_RUN_ROWS = grid("""Loss run | Harbour Mutual Insurance | | | |
    Insured: Gannet Research Vessels Ltd | Policy GL-330-118 | Valued as of 30 September | | |
    Claim number | Date of loss | Claimant | Status | Paid | Reserve
    22-0417 | 2022-02-11 | R. Quill | Closed | 4180.00 | 0.00
    23-0088 | 2023-05-30 | Dock 4 operator | Closed | 1260.50 | 0.00
    24-0192 | 2024-08-02 | S. Varga | Open | 300.00 | 6500.00
    Total incurred | | | | 5740.50 | 6500.00""").rows
